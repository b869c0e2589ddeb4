import GGUF
import Generation
import Identifiers
import Inference
import Link
import ShoalTestSupport
import Testing

private typealias Holder = PlanningSnapshot.Holder

private func node(_ number: UInt8) throws -> NodeID {
    try #require(NodeID(bytes: [UInt8](repeating: number, count: NodeID.byteCount)))
}

private func layers(_ first: Int, _ end: Int) throws -> LayerRange {
    try #require(LayerRange(first: first, end: end))
}

/// A plan in short: "1:0..<4 2:4..<8".
private func summary(_ plan: Plan) -> String {
    plan.segments.map { "\($0.node.bytes[0]):\($0.layers)" }.joined(separator: " ")
}

struct PlannerTests {
    @Test func `one node with all layers runs them, the planning node before others`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(2),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 8)], loaded: [try layers(0, 8)]),
                Holder(node: try node(2), runs: [try layers(0, 8)]),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "2:0..<8")
    }

    @Test func `a much faster node runs the whole model in place of the planning one`() throws {
        var snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(
                    node: try node(1), runs: [try layers(0, 8)], loaded: [try layers(0, 8)], millisecondsPerLayer: 10),
                Holder(
                    node: try node(2), runs: [try layers(0, 8)], loaded: [try layers(0, 8)], millisecondsPerLayer: 1),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "2:0..<8")
        snapshot.holders[1].millisecondsPerLayer = 7
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<8")
        snapshot.holders[1].millisecondsPerLayer = nil
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<8")
    }

    @Test func `one node with all layers comes before a cut that would be faster`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(
                    node: try node(1), runs: [try layers(0, 4)], loaded: [try layers(0, 4)], millisecondsPerLayer: 1),
                Holder(
                    node: try node(2), runs: [try layers(4, 8)], loaded: [try layers(4, 8)], millisecondsPerLayer: 1),
                Holder(node: try node(3), runs: [try layers(0, 8)], millisecondsPerLayer: 50),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "3:0..<8")
    }

    @Test func `two halves make a plan of two segments, with standbys`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(node: try node(2), runs: [try layers(4, 8)]),
                Holder(node: try node(1), runs: [try layers(0, 4)]),
                Holder(node: try node(3), runs: [try layers(3, 8)]),
            ],
            roundTripMilliseconds: [.init(from: try node(1), to: try node(2)): 0.1])
        let plan = try Planner().plan(snapshot)
        #expect(summary(plan) == "1:0..<4 2:4..<8")
        #expect(plan.segments.map(\.standbys) == [[], [try node(3)]])
    }

    @Test func `an even cut is taken where cuts cost the same`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 7)]),
                Holder(node: try node(2), runs: [try layers(1, 8)]),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<4 2:4..<8")
    }

    @Test func `loaded windows are used again, exactly as they are`() throws {
        var snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 7)], loaded: [try layers(0, 2)]),
                Holder(node: try node(2), runs: [try layers(1, 8)], loaded: [try layers(2, 8)]),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<2 2:2..<8")
        snapshot.holders[1].loaded = [try layers(3, 8)]
        #expect(try Planner().plan(snapshot).segments.map(\.isLoaded).contains(true))
    }

    @Test func `a node that holds two pieces appears twice`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 6, coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 2), try layers(4, 6)]),
                Holder(node: try node(2), runs: [try layers(2, 4)]),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<2 2:2..<4 1:4..<6")
    }

    @Test func `an excluded node is left out`() throws {
        let snapshot = PlanningSnapshot(
            model: "m", layerCount: 4, coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 4)]),
                Holder(node: try node(2), runs: [try layers(0, 4)]),
            ],
            excluded: [try node(1)])
        #expect(summary(try Planner().plan(snapshot)) == "2:0..<4")
    }

    @Test func `a window keeps to the memory of its node`() throws {
        var snapshot = PlanningSnapshot(
            model: "m", layerCount: 4, layerBytes: [10, 10, 10, 10], coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(0, 4)], maximumWindowBytes: 30),
                Holder(node: try node(2), runs: [try layers(0, 4)], maximumWindowBytes: 20),
            ])
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<2 2:2..<4")
        snapshot.holders[0].maximumWindowBytes = 5
        snapshot.holders[1].maximumWindowBytes = 9
        #expect(throws: PlanRefusal.doesNotFit) { try Planner().plan(snapshot) }
    }

    @Test func `refusals say what is missing`() throws {
        var snapshot = PlanningSnapshot(
            model: "m", layerCount: 8, coordinator: try node(1),
            holders: [
                Holder(node: try node(1), runs: [try layers(1, 4)]),
                Holder(node: try node(2), runs: [try layers(5, 8)]),
            ])
        #expect(throws: PlanRefusal.missingLayers([try layers(0, 1), try layers(4, 5)])) {
            try Planner().plan(snapshot)
        }
        snapshot.holders[0].runs = [try layers(0, 5)]
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<5 2:5..<8")
        snapshot.cut = .aligned(2)
        #expect(throws: PlanRefusal.misaligned(alignment: 2)) { try Planner().plan(snapshot) }
        snapshot.cut = .aligned(1, forbiddenCounts: [3])
        #expect(summary(try Planner().plan(snapshot)) == "1:0..<5 2:5..<6 2:6..<8")
        snapshot.cut = .aligned(1, forbiddenCounts: [1, 2, 3])
        #expect(throws: PlanRefusal.misaligned(alignment: 1)) { try Planner().plan(snapshot) }
        snapshot.cut = .wholeOnly(reason: "it is odd")
        #expect(throws: PlanRefusal.cannotBeCut(reason: "it is odd")) { try Planner().plan(snapshot) }
        let error = PlanRefusal.cannotBeCut(reason: "it is odd").error(model: "m", layerCount: 8, excluded: 0)
        #expect(error.code == .modelNotCovered)
        #expect(error.message.contains("it is odd"))
    }

    @Test(arguments: 0..<300)
    func `plans of random swarms cost what the best of all chains costs`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let snapshot = try randomSnapshot(&random)
        let best = bruteForce(snapshot, alignment: seed % 3 == 0 ? 2 : 1)
        var aligned = snapshot
        aligned.cut = .aligned(seed % 3 == 0 ? 2 : 1)
        let planner = Planner()
        let all = try layers(0, snapshot.layerCount)
        let wholeHolders = snapshot.holders.filter { holder in
            !snapshot.excluded.contains(holder.node) && holder.runs.contains { $0.contains(all) }
        }
        guard let best else {
            #expect(throws: PlanRefusal.self) { try planner.plan(aligned) }
            return
        }
        let plan = try planner.plan(aligned)
        #expect(plan == (try planner.plan(aligned)))
        // The chain is whole, and each window is one that its node can run.
        #expect(plan.segments.first?.layers.first == 0)
        #expect(plan.segments.last?.layers.end == snapshot.layerCount)
        for (left, right) in zip(plan.segments, plan.segments.dropFirst()) {
            #expect(left.layers.end == right.layers.first)
        }
        for segment in plan.segments {
            let holder = try #require(snapshot.holders.first { $0.node == segment.node })
            #expect(holder.runs.contains { $0.contains(segment.layers) })
            #expect(!snapshot.excluded.contains(segment.node))
        }
        if wholeHolders.isEmpty {
            #expect(abs(plan.cost - best) < 1e-6)
        } else {
            #expect(plan.segments.count == 1)
        }
    }

    private func randomSnapshot(_ random: inout SeededRandom) throws -> PlanningSnapshot {
        let layerCount = Int.random(in: 2...6, using: &random)
        let count = UInt8.random(in: 1...4, using: &random)
        var holders: [Holder] = []
        var trips: [PlanningSnapshot.Hop: Double] = [:]
        for number in 1...count {
            let first = Int.random(in: 0..<layerCount, using: &random)
            let run = try layers(first, Int.random(in: (first + 1)...layerCount, using: &random))
            var loaded: [LayerRange] = []
            if Bool.random(using: &random) {
                let begin = Int.random(in: run.first..<run.end, using: &random)
                loaded.append(try layers(begin, Int.random(in: (begin + 1)...run.end, using: &random)))
            }
            holders.append(
                Holder(
                    node: try node(number), runs: [run], loaded: loaded,
                    millisecondsPerLayer: Bool.random(using: &random)
                        ? Double.random(in: 0.1...20, using: &random) : nil))
            for other in 1..<number where Bool.random(using: &random) {
                trips[.init(from: try node(number), to: try node(other))] = Double.random(in: 0.1...80, using: &random)
            }
        }
        return PlanningSnapshot(
            model: "m", layerCount: layerCount, coordinator: try node(1), holders: holders.shuffled(using: &random),
            roundTripMilliseconds: trips,
            excluded: Int.random(in: 0..<5, using: &random) == 0 ? [try node(count)] : [])
    }

    /// The cost of the cheapest chain, found by trying every one.
    private func bruteForce(_ snapshot: PlanningSnapshot, alignment: Int) -> Double? {
        var best: Double?
        func extend(_ chain: [(node: NodeID, layers: LayerRange)], from begin: Int) {
            if begin == snapshot.layerCount {
                if let cost = Planner().cost(of: chain, in: snapshot) { best = min(best ?? .infinity, cost) }
                return
            }
            for end in (begin + 1)...snapshot.layerCount where end % alignment == 0 || end == snapshot.layerCount {
                guard let range = LayerRange(first: begin, end: end) else { continue }
                for holder in snapshot.holders where !snapshot.excluded.contains(holder.node) {
                    if holder.runs.contains(where: { $0.contains(range) }) {
                        extend(chain + [(holder.node, range)], from: end)
                    }
                }
            }
        }
        extend([], from: 0)
        return best
    }
}
