internal import Dispatch
internal import Engine
internal import Foundation
internal import Link
internal import Logging
internal import ServiceLifecycle

/// The engine process: reads who it is from standard input, serves its daemon over a Unix socket and other engines over
/// mutual TLS, and ends when standard input closes, so that it never outlives its daemon.
package enum EngineProcess {
    /// The first line on standard input.
    private struct Introduction: Decodable {
        /// What this process proves its node's identity with.
        let credentials: LinkCredentials
        /// Host that the listener for other engines binds.
        let listen: String
        let logLevel: String?
    }

    struct UsageError: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs until standard input closes.
    ///
    /// - Returns: the exit status.
    package static func main(arguments: [String]) async -> Int32 {
        if arguments.dropFirst() == ["--version"] {
            print("libllama \(LlamaBackEnd.version)")
            return 0
        }
        if arguments.dropFirst() == ["--devices"] {
            LlamaBackEnd.start(logger: Logger(label: "engine") { _ in SwiftLogNoOpLogHandler() })
            for device in LlamaBackEnd.devices { print(device) }
            return 0
        }
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        do {
            guard let socket = value(of: "--socket", in: arguments) else {
                throw UsageError(description: "shoal-engine is started by shoal: --socket PATH [--model-name NAME]")
            }
            let name = value(of: "--model-name", in: arguments) ?? "model"
            if arguments.contains("--prepare") {
                try await PreparationProcess.serve(socketPath: socket, modelName: name)
            } else {
                try await serve(socketPath: socket, modelName: name)
            }
            return 0
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            return error is UsageError ? 64 : 1
        }
    }

    private static func serve(socketPath: String, modelName: String) async throws {
        guard let line = readLine(strippingNewline: true) else {
            throw UsageError(description: "standard input closed before the first line came")
        }
        let introduction = try JSONDecoder().decode(Introduction.self, from: Data(line.utf8))
        var logger = Logger(label: "engine.\(modelName)")
        logger.logLevel = introduction.logLevel.flatMap(Logger.Level.init(rawValue:)) ?? .info
        LlamaBackEnd.start(logger: logger)

        let credentials = try CurrentCredentials(introduction.credentials)
        guard let address = LinkAddress(host: introduction.listen, port: 0) else {
            throw UsageError(description: "\(introduction.listen) is not an address to listen on")
        }
        // Every token passes here, between two computations that take all cores.
        let loop = LinkLoop.shared
        let host = EngineHost(
            neighbours: Neighbours(credentials: credentials, loop: loop, logger: logger), logger: logger)
        let segment = SegmentService(host: host)
        let network = try LinkServer(
            network: address, credentials: credentials, services: [segment], loop: loop, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await network.run() }
            let port = try await network.port
            let local = try LinkServer(
                socketPath: socketPath, services: [ControlService(opened: host.opened, port: port), segment],
                loop: loop,
                logger: logger)
            group.addTask { try await local.run() }
            try await local.waitUntilListening()
            FileHandle.standardOutput.write(Data("ready \(port)\n".utf8))
            group.addTask { await standardInputClosed() }
            try await group.next()
            // Memory goes back to the system with the process; waiting for streams would only delay the daemon's stop.
            exit(0)
        }
    }

    /// Returns when the daemon closes our standard input, or dies.
    static func standardInputClosed() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let thread = Thread {
                while readLine() != nil {}
                continuation.resume()
            }
            thread.start()
        }
    }

    private static func value(of option: String, in arguments: [String]) -> String? {
        guard let index = arguments.firstIndex(of: option), index + 1 < arguments.count else { return nil }
        return arguments[index + 1]
    }
}
