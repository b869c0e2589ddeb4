import Identifiers
import Link
import Testing

@testable import Cluster

@Suite("Which worker gets a job")
struct DispatchTests {
    private static let nodes = (1...4).map { NodeID(bytes: [UInt8](repeating: UInt8($0), count: 32))! }

    private func candidate(
        _ node: Int, weight: Int = 100, active: Int = 0, lastJob: UInt64 = 0
    ) -> Dispatch.Candidate {
        Dispatch.Candidate(node: Self.nodes[node], weight: weight, activeJobs: active, lastJob: lastJob)
    }

    @Test("Nobody is chosen from nobody")
    func nobody() {
        #expect(Dispatch.choose(from: []) == nil)
    }

    @Test("The one with the least to do for its weight is chosen")
    func leastLoad() {
        #expect(
            Dispatch.choose(from: [candidate(0, active: 2), candidate(1, active: 1), candidate(2, active: 3)])
                == Self.nodes[1])
        // 3 jobs at a weight of 400 are less than 1 at 100.
        #expect(
            Dispatch.choose(from: [candidate(0, weight: 100, active: 1), candidate(1, weight: 400, active: 3)])
                == Self.nodes[1])
        #expect(
            Dispatch.choose(from: [candidate(0, weight: 100, active: 0), candidate(1, weight: 400, active: 4)])
                == Self.nodes[0])
    }

    @Test("Of idle ones the heaviest is chosen")
    func idle() {
        #expect(
            Dispatch.choose(from: [candidate(0, weight: 100), candidate(1, weight: 101), candidate(2, weight: 10)])
                == Self.nodes[1])
    }

    @Test("Equals take turns")
    func turns() {
        var last: [UInt64] = [0, 0, 0]
        var order: [Int] = []
        for job in 1...6 {
            let chosen = Dispatch.choose(from: (0..<3).map { candidate($0, lastJob: last[$0]) })
            let index = Self.nodes.firstIndex { $0 == chosen }!
            last[index] = UInt64(job)
            order.append(index)
        }
        #expect(order == [0, 1, 2, 0, 1, 2])
    }

    @Test("Work is shared in proportion to the weights")
    func proportion() {
        let weights = [100, 200, 700]
        var active = [0, 0, 0]
        for job in 1...1000 {
            let chosen = Dispatch.choose(
                from: (0..<3).map { candidate($0, weight: weights[$0], active: active[$0], lastJob: UInt64(job)) })
            active[Self.nodes.firstIndex { $0 == chosen }!] += 1
        }
        for (index, weight) in weights.enumerated() { #expect(abs(active[index] - weight) <= 2) }
    }
}
