import GGUF
package import Identifiers
import Link

/// Finds the segments that answer soonest: a shortest path over the layers of a model.
///
/// One node with all layers always comes before a cut, and the planning node before others unless another is measured
/// to be far faster. Otherwise the cost of a token is the sum over the segments of layers × milliseconds per layer, plus
/// the way from each segment to the next and from the last to the first (the sampled token's way back). A window that is
/// not loaded pays a penalty, so that loaded ones are used again. Equal costs fall to the planning node first, then to
/// the smaller node id: equal snapshots give equal plans.
package struct Planner: Sendable {
    /// What the planner assumes and how it weighs; times in milliseconds per token.
    package struct Weights: Sendable {
        /// Time per layer on a node that has not measured it.
        package var layerGuess = 1.0
        /// Round trip between nodes that have not measured it.
        package var roundTripGuess = 5.0
        /// One message on an open stream, apart from the way.
        package var stream = 0.35
        /// From one window to the next in the same engine.
        package var sameNode = 0.05
        /// Loading a window, spread over the tokens of a usual session.
        package var unloadedWindow = 20.0
        /// Per square of a segment's layers and milliseconds per layer: among equal cuts the even one, which serves
        /// several sessions at once best.
        package var unevenness = 0.0001
        /// Per segment that is not on the planning node: among equal plans the nearest.
        package var foreign = 0.01
        /// How many times faster than the planning node another one must be to run a whole model in its place.
        package var foreignAdvantage = 2.0

        package init() {}
    }

    package var weights: Weights

    package init(weights: Weights = Weights()) { self.weights = weights }

    /// Makes the plan, or says why there is none.
    package func plan(_ snapshot: PlanningSnapshot) throws(PlanRefusal) -> Plan {
        let holders = candidates(snapshot)
        if let segments = wholeModel(snapshot, holders) {
            return finish(segments, snapshot, holders)
        }
        let missing = snapshot.missingLayers
        guard missing.isEmpty else { throw .missingLayers(missing) }
        switch snapshot.cut {
        case .wholeOnly(let reason):
            throw .cannotBeCut(reason: reason)
        case .aligned(let alignment, let forbidden):
            if let segments = fittingPath(snapshot, holders, alignment: max(1, alignment), forbidden: forbidden) {
                return finish(segments, snapshot, holders)
            }
            var unlimited = holders
            for index in unlimited.indices { unlimited[index].maximumWindowBytes = nil }
            let fitsNowhere =
                shortestPath(snapshot, unlimited, alignment: max(1, alignment), forbidden: forbidden) != nil
            throw fitsNowhere ? .doesNotFit : .misaligned(alignment: alignment)
        }
    }

    /// What one token costs on these segments, in milliseconds, with penalties; nil when a segment is not on a holder.
    package func cost(of segments: [(node: NodeID, layers: LayerRange)], in snapshot: PlanningSnapshot) -> Double? {
        var total = 0.0
        for (index, segment) in segments.enumerated() {
            guard let holder = snapshot.holders.first(where: { $0.node == segment.node }) else { return nil }
            total += cost(of: segment.layers, on: holder, in: snapshot)
            let next = segments[(index + 1) % segments.count].node
            if segments.count > 1 { total += cost(from: segment.node, to: next, in: snapshot) }
        }
        return total
    }

    // MARK: - Costs

    private func cost(of layers: LayerRange, on holder: PlanningSnapshot.Holder, in snapshot: PlanningSnapshot)
        -> Double
    {
        let count = Double(layers.count)
        let perLayer = holder.millisecondsPerLayer ?? weights.layerGuess
        var cost = count * perLayer + weights.unevenness * count * count * perLayer
        if !holder.loaded.contains(layers) { cost += weights.unloadedWindow }
        if holder.node != snapshot.coordinator { cost += weights.foreign }
        return cost
    }

    private func cost(from: NodeID, to: NodeID, in snapshot: PlanningSnapshot) -> Double {
        guard from != to else { return weights.sameNode }
        let roundTrip =
            snapshot.roundTripMilliseconds[.init(from: from, to: to)]
            ?? snapshot.roundTripMilliseconds[.init(from: to, to: from)] ?? weights.roundTripGuess
        return roundTrip / 2 + weights.stream
    }

    // MARK: - Search

    private typealias Step = (holder: Int, layers: LayerRange)

    /// The holders that count: the planning node first, the others by id.
    private func candidates(_ snapshot: PlanningSnapshot) -> [PlanningSnapshot.Holder] {
        snapshot.holders
            .filter { !snapshot.excluded.contains($0.node) && !$0.runs.isEmpty }
            .sorted { left, right in
                let (own, other) = (left.node == snapshot.coordinator, right.node == snapshot.coordinator)
                return own == other ? left.node < right.node : own
            }
    }

    private func canRun(_ layers: LayerRange, _ holder: PlanningSnapshot.Holder, _ snapshot: PlanningSnapshot) -> Bool {
        guard holder.runs.contains(where: { $0.contains(layers) }) else { return false }
        guard let room = holder.maximumWindowBytes, !holder.loaded.contains(layers) else { return true }
        return snapshot.bytes(of: layers) <= room
    }

    private func wholeModel(_ snapshot: PlanningSnapshot, _ holders: [PlanningSnapshot.Holder]) -> [Step]? {
        guard let all = LayerRange(first: 0, end: snapshot.layerCount) else { return nil }
        var best: (index: Int, cost: Double)?
        for (index, holder) in holders.enumerated() where canRun(all, holder, snapshot) {
            var cost = self.cost(of: all, on: holder, in: snapshot)
            if holder.node != snapshot.coordinator {
                cost += self.cost(from: snapshot.coordinator, to: holder.node, in: snapshot)
            }
            guard let current = best else {
                best = (index, cost)
                continue
            }
            if holders[current.index].node == snapshot.coordinator {
                // The planning node gives way only to a measured advantage.
                guard holder.millisecondsPerLayer != nil, holders[current.index].millisecondsPerLayer != nil,
                    cost * weights.foreignAdvantage < current.cost
                else { continue }
            }
            if cost < current.cost { best = (index, cost) }
        }
        return best.map { [(holder: $0.index, layers: all)] }
    }

    /// The cheapest chain whose windows fit into each node's memory together, as far as two searches find one: with
    /// several windows in a row on one node, and without.
    private func fittingPath(
        _ snapshot: PlanningSnapshot, _ holders: [PlanningSnapshot.Holder], alignment: Int, forbidden: Set<Int>
    ) -> [Step]? {
        for allowsRows in [true, false] {
            let path = shortestPath(
                snapshot, holders, alignment: alignment, forbidden: forbidden, allowsRows: allowsRows)
            guard let path else { return nil }
            if fits(path, snapshot, holders) { return path }
        }
        return nil
    }

    private func fits(_ path: [Step], _ snapshot: PlanningSnapshot, _ holders: [PlanningSnapshot.Holder]) -> Bool {
        var bytes: [Int: UInt64] = [:]
        for step in path where !holders[step.holder].loaded.contains(step.layers) {
            bytes[step.holder, default: 0] += snapshot.bytes(of: step.layers)
        }
        return bytes.allSatisfy { $0.value <= holders[$0.key].maximumWindowBytes ?? .max }
    }

    /// The cheapest chain of windows from layer 0 to the end: for each node that could be first, the cheapest way to
    /// reach each cut point with each node as the last one so far.
    private func shortestPath(
        _ snapshot: PlanningSnapshot, _ holders: [PlanningSnapshot.Holder], alignment: Int, forbidden: Set<Int>,
        allowsRows: Bool = true
    ) -> [Step]? {
        let count = snapshot.layerCount
        let cuts = (0...count).filter { $0 % alignment == 0 || $0 == count }
        let width = holders.count
        guard width > 0, cuts.count > 1 else { return nil }
        let hops = holders.map { from in
            holders.map { to in
                from.node == to.node && !allowsRows ? .infinity : cost(from: from.node, to: to.node, in: snapshot)
            }
        }
        // Windows that end at a cut: where they begin, on which holder, at what cost.
        var windows = [[(begin: Int, holder: Int, cost: Double)]](repeating: [], count: cuts.count)
        for end in 1..<cuts.count {
            for begin in 0..<end {
                guard let layers = LayerRange(first: cuts[begin], end: cuts[end]),
                    layers.count == count || !forbidden.contains(layers.count)
                else { continue }
                for (index, holder) in holders.enumerated() where canRun(layers, holder, snapshot) {
                    windows[end].append((begin, index, cost(of: layers, on: holder, in: snapshot)))
                }
            }
        }

        var best: (cost: Double, steps: [Step])?
        for first in 0..<width {
            // cost[cut][holder]: the cheapest chain up to the cut whose last window is on the holder.
            var costs = [[Double]](repeating: [Double](repeating: .infinity, count: width), count: cuts.count)
            var parents = [[(cut: Int, holder: Int)]](
                repeating: [(cut: Int, holder: Int)](repeating: (0, -1), count: width), count: cuts.count)
            // arrivals[cut][holder]: the same, with the way to the holder of the next window.
            var arrivals = costs
            var sources = [[Int]](repeating: [Int](repeating: -1, count: width), count: cuts.count)
            for end in 1..<cuts.count {
                for window in windows[end] {
                    let before: Double
                    if window.begin == 0 {
                        guard window.holder == first else { continue }
                        before = 0
                    } else {
                        before = arrivals[window.begin][window.holder]
                    }
                    let total = before + window.cost
                    if total < costs[end][window.holder] {
                        costs[end][window.holder] = total
                        let source = window.begin == 0 ? -1 : sources[window.begin][window.holder]
                        parents[end][window.holder] = (window.begin, source)
                    }
                }
                for to in 0..<width {
                    for from in 0..<width where costs[end][from] + hops[from][to] < arrivals[end][to] {
                        arrivals[end][to] = costs[end][from] + hops[from][to]
                        sources[end][to] = from
                    }
                }
            }
            for last in 0..<width {
                let end = cuts.count - 1
                let isOneWindow = parents[end][last].cut == 0
                let total = costs[end][last] + (isOneWindow ? 0 : last == first ? weights.sameNode : hops[last][first])
                guard total.isFinite, total < (best?.cost ?? .infinity) else { continue }
                var steps: [Step] = []
                var place = (cut: end, holder: last)
                while place.cut > 0, place.holder >= 0 {
                    let parent = parents[place.cut][place.holder]
                    guard let layers = LayerRange(first: cuts[parent.cut], end: cuts[place.cut]) else { return nil }
                    steps.append((place.holder, layers))
                    place = parent
                }
                best = (total, steps.reversed())
            }
        }
        return best?.steps
    }

    private func finish(
        _ steps: [Step], _ snapshot: PlanningSnapshot, _ holders: [PlanningSnapshot.Holder]
    ) -> Plan {
        let segments = steps.map { step in
            let holder = holders[step.holder]
            let standbys = holders.enumerated()
                .filter { $0.offset != step.holder && canRun(step.layers, $0.element, snapshot) }
                .map { (node: $0.element.node, cost: cost(of: step.layers, on: $0.element, in: snapshot)) }
                .sorted { $0.cost < $1.cost }
                .map(\.node)
            return Plan.Segment(
                node: holder.node, nickname: holder.nickname, layers: step.layers,
                isLoaded: holder.loaded.contains(step.layers), standbys: standbys)
        }
        let total = cost(of: segments.map { ($0.node, $0.layers) }, in: snapshot) ?? 0
        return Plan(segments: segments, cost: total)
    }
}
