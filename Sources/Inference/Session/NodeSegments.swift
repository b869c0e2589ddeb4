import BLAKE3
import GGUF
import GRPCCore
import Generation
import Identifiers
import Link
import ModelLibrary
import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The segments of one model: this node's own windows, and those of the peers that hold the same model.
struct NodeSegments: SegmentSource {
    /// What the segments of all models share.
    struct Shared: Sendable {
        let settings: InferenceSettings
        let library: ModelLibrary
        let membership: any Membership
        let supervisor: EngineSupervisor
        let keeper: WindowKeeper
        let links: EngineLinks
    }

    let model: ServedModel
    let shared: Shared

    private static let tick: Duration = .milliseconds(250)

    // MARK: - Snapshot

    func snapshot(excluding excluded: Set<NodeID>) async throws -> PlanningSnapshot {
        let me = shared.membership.me
        let cells = UInt64(model.cacheCells(shared.settings))
        var snapshot = PlanningSnapshot(
            model: model.id, layerCount: model.layerCount, cut: model.cut,
            layerBytes: model.layerBytes.map { $0 + model.cacheBytesPerCellAndLayer * cells }, coordinator: me,
            holders: [], excluded: excluded)
        if let id = ModelID(model.id), let own = try? await shared.library.model(id), !own.held.isEmpty {
            snapshot.holders.append(
                PlanningSnapshot.Holder(
                    node: me, nickname: shared.membership.ownRecord.nickname, runs: own.heldLayers,
                    loaded: await shared.keeper.loadedWindows(of: model.id),
                    millisecondsPerLayer: shared.supervisor.millisecondsPerLayer(of: model.id),
                    maximumWindowBytes: await shared.keeper.availableBytes))
        }
        for peer in shared.membership.peers() where peer.healthy {
            guard let record = peer.record else { continue }
            if let trip = peer.roundTrip {
                snapshot.roundTripMilliseconds[.init(from: me, to: peer.id)] = trip / .milliseconds(1)
            }
            for (other, roundTrip) in record.links {
                snapshot.roundTripMilliseconds[.init(from: peer.id, to: other)] = roundTrip / .milliseconds(1)
            }
            guard let held = record.models.first(where: { $0.id.rawValue == model.id }),
                held.manifestHash?.bytes == model.manifestHash, held.layerCount == model.layerCount
            else { continue }
            snapshot.holders.append(
                PlanningSnapshot.Holder(
                    node: peer.id, nickname: peer.nickname, runs: held.layers,
                    loaded: held.loadedWindows, millisecondsPerLayer: held.millisecondsPerLayer,
                    maximumWindowBytes: record.hardware.memoryBytes > 0 ? record.hardware.memoryBytes / 10 * 8 : nil))
        }
        return snapshot
    }

    // MARK: - Preparing

    func prepare(_ segment: Plan.Segment) async throws -> ReadySegment {
        do {
            return segment.node == shared.membership.me
                ? try await prepareHere(segment) : try await prepareThere(segment)
        } catch let failure as SegmentFailure {
            throw failure
        } catch let error as CancellationError {
            throw error
        } catch let error as InferenceError {
            // An engine that broke may work at the next try; what is missing stays missing.
            let kind: SegmentFailure.Kind = error.code == .engineFailed ? .lost(isProven: false) : .unable(error)
            throw SegmentFailure(kind, node: segment.node, message: error.message)
        } catch let error as RPCError {
            try Task.checkCancellation()
            let what = "node \(segment.node.short) cannot run layers \(segment.layers): \(error.message)"
            switch error.code {
            case .resourceExhausted:
                throw SegmentFailure(.unable(InferenceError(.noCapacity, what)), node: segment.node, message: what)
            case .notFound, .failedPrecondition, .invalidArgument:
                throw SegmentFailure(.unable(InferenceError(.modelNotCovered, what)), node: segment.node, message: what)
            default:
                throw SegmentFailure(.lost(isProven: false), node: segment.node, message: what)
            }
        } catch {
            try Task.checkCancellation()
            throw SegmentFailure(
                .lost(isProven: false), node: segment.node,
                message: "node \(segment.node.short) cannot be reached: \(error)")
        }
    }

    private func prepareHere(_ segment: Plan.Segment) async throws -> ReadySegment {
        let lease = try await shared.keeper.lease(segment.layers, of: model)
        return ReadySegment(
            segment: segment, channel: lease.connection.channel,
            endpoint: shared.membership.engineEndpoint(port: lease.connection.port), lease: lease)
    }

    private func prepareThere(_ segment: Plan.Segment) async throws -> ReadySegment {
        let node = try await shared.membership.channel(to: segment.node)
        let request = Shoal_V1_PrepareWindowRequest.with {
            $0.modelID = model.id
            $0.manifestHash = Data(model.manifestHash)
            $0.layers = .init(segment.layers)
        }
        let silence = Silence()
        let answer = try await withThrowingTaskGroup(of: Shoal_V1_Endpoint?.self) { group in
            group.addTask {
                try await node.node.prepareWindow(request) { response in
                    var endpoint: Shoal_V1_Endpoint?
                    // To the end of the stream, which else is reset.
                    for try await progress in response.messages {
                        silence.end()
                        if progress.hasEndpoint { endpoint = progress.endpoint }
                    }
                    return endpoint
                }
            }
            group.addTask {
                while silence.ticks < Int(shared.settings.silenceLimit / Self.tick) {
                    try await Task.sleep(for: Self.tick)
                    silence.grow()
                }
                throw SegmentFailure(
                    .lost(isProven: false), node: segment.node,
                    message: "node \(segment.node.short) fell silent while it made layers \(segment.layers) ready")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let answer, let endpoint = LinkEndpoint(answer), answer.nodeID == Data(segment.node.bytes) else {
            throw SegmentFailure(
                .lost(isProven: false), node: segment.node,
                message: "node \(segment.node.short) did not say where its engine is")
        }
        let channel = try await shared.links.channel(to: endpoint)
        return ReadySegment(segment: segment, channel: channel, endpoint: answer)
    }

    // MARK: - Failures

    func investigate(_ segment: Plan.Segment, isProven: Bool) async -> Bool {
        guard segment.node == shared.membership.me else {
            await shared.links.drop(segment.node)
            return shared.membership.peers().contains { $0.id == segment.node && $0.healthy }
        }
        guard let engine = shared.supervisor.existingEngine(model: model.id),
            let connection = await engine.runningConnection
        else { return true }
        await engine.killUnlessAlive(generation: connection.generation, within: isProven ? nil : .milliseconds(700))
        await shared.keeper.reconcile()
        return true
    }
}

extension Membership {
    /// Where other nodes' engines reach an engine of this node that listens on `port`.
    func engineEndpoint(port: Int) -> Shoal_V1_Endpoint {
        let hosts = ownRecord.addresses.map(\.host)
        var seen: Set<String> = []
        return Shoal_V1_Endpoint(
            nodeID: me,
            addresses: hosts.filter { seen.insert($0).inserted }.compactMap { LinkAddress(host: $0, port: port) })
    }
}

extension EngineSupervisor {
    /// Measured time of one decode step per layer, over a model's loaded windows; nil while unknown.
    func millisecondsPerLayer(of model: String) -> Double? {
        let windows = lastStatuses[model]?.windows.filter { $0.millisecondsPerLayer > 0 } ?? []
        let layers = windows.reduce(0) { $0 + Int($1.layers.end) - Int($1.layers.first) }
        guard layers > 0 else { return nil }
        return windows.reduce(0) { $0 + $1.millisecondsPerLayer * Double($1.layers.end - $1.layers.first) }
            / Double(layers)
    }
}
