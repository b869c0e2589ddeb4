import Link
import Synchronization

/// An engine process as others may see it.
package struct EngineReport: Sendable, Hashable {
    package enum Status: String, Sendable {
        case starting
        case idle
        /// Sessions run.
        case active
    }

    package let model: String
    package let status: Status
    /// The devices that it computes with, as the engine names them; empty until it has said so.
    package let devices: [String]
    /// The model is one that embeds, as its file declares.
    package let embeds: Bool
}

extension InferenceService {
    /// The engine processes that run or start, by model.
    package func engines() async -> [EngineReport] {
        let statuses = supervisor.lastStatuses
        var reports: [EngineReport] = []
        for engine in supervisor.engines {
            guard await engine.isAlive else { continue }
            let connection = await engine.runningConnection
            let said = statuses[engine.model]
            let isActive = (said?.windows ?? []).contains { $0.activeSessions > 0 }
            let pooling = connection?.description.pooling ?? ""
            reports.append(
                EngineReport(
                    model: engine.model, status: connection == nil ? .starting : isActive ? .active : .idle,
                    devices: (said?.backEnd ?? "").split(separator: ",").map { String($0.trimmingPrefix(" ")) },
                    embeds: !["", "none"].contains(pooling)))
        }
        return reports.sorted { $0.model < $1.model }
    }

    /// Gives engines further environment variables. Those that run are started again, busy ones as soon as they are idle.
    package func setEngineVariables(_ variables: [String: String]) async {
        guard supervisor.variables.replace(with: variables) else { return }
        let running = supervisor.engines.map(\.model)
        staleEngines.withLock { $0.formUnion(running) }
        await stopStaleEngines()
    }

    /// Stops engines that were started with other variables and that nobody uses.
    func stopStaleEngines() async {
        for model in staleEngines.withLock({ $0 }) where await !keeper.isInUse(nil, of: model) {
            staleEngines.withLock { _ = $0.remove(model) }
            await supervisor.stop(model: model)
        }
    }
}
