internal import Engine
internal import Foundation
internal import Link
internal import Logging
internal import ServiceLifecycle

/// The preparation process of one model: it has the vocabulary and the chat templates, computes nothing, and may be lost at any
/// moment. What clients and model files say is parsed here and nowhere else.
enum PreparationProcess {
    /// What the process may take beyond what it has when the model is open, in bytes of address space.
    private static let memoryBytes: UInt64 = 768 << 20

    /// Serves the daemon over a Unix socket until standard input closes.
    static func serve(_ start: EngineProcess.Start, socketPath: String, modelName: String) async throws {
        // The line that every engine process is told first; there is nothing in it for this one but its box.
        guard start.line != nil else {
            throw EngineProcess.UsageError(description: "standard input closed before the first line came")
        }
        var logger = Logger(label: "preparation.\(modelName)")
        logger.logLevel = .notice
        let log = logger
        EngineProcess.log(start.box, logger)
        LlamaBackEnd.start(logger: logger)
        let opened = OpenedModel {
            if !ResidentMemory.limitGrowth(toBytes: memoryBytes) { log.notice("the memory cannot be limited here") }
        }
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
