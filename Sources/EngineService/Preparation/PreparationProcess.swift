internal import Engine
internal import Foundation
internal import Link
internal import Logging
internal import ServiceLifecycle

/// The preparation process of one model: it has the vocabulary and the chat templates, computes nothing, and may be lost at any
/// moment. What clients and model files say is parsed here and nowhere else.
enum PreparationProcess {
    /// Serves the daemon over a Unix socket until standard input closes.
    static func serve(socketPath: String, modelName: String) async throws {
        // The line that every engine process is told first; there is nothing in it for this one.
        guard readLine() != nil else {
            throw EngineProcess.UsageError(description: "standard input closed before the first line came")
        }
        var logger = Logger(label: "preparation.\(modelName)")
        logger.logLevel = .notice
        LlamaBackEnd.start(logger: logger)
        let opened = OpenedModel()
        let local = try LinkServer(
            socketPath: socketPath,
            services: [
                ControlService(opened: opened, port: 0),
                PreparationService(opened: opened, worker: PreparationWorker()),
            ], loop: .shared, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await local.run() }
            try await local.waitUntilListening()
            FileHandle.standardOutput.write(Data("ready 0\n".utf8))
            group.addTask { await EngineProcess.standardInputClosed() }
            try await group.next()
            exit(0)
        }
    }
}
