internal import Dispatch
internal import Engine
internal import Foundation
internal import Hardware
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

    /// What the first line says of the box that the process is to be in.
    private struct BoxLine: Decodable {
        /// Files of the model that the process will be asked to open.
        let paths: [String]
    }

    /// What a process is told before it does anything.
    package struct Start: Sendable {
        let arguments: [String]
        /// The first line on standard input; nil where none is read.
        let line: String?
        let box: ProcessBox.Report?
    }

    /// Reads the first line on standard input and gives up what the process does not need. To be called while the process has one
    /// thread alone, from which all others inherit that.
    package static func start(arguments: [String]) -> Start {
        guard let socket = value(of: "--socket", in: arguments) else {
            return Start(arguments: arguments, line: nil, box: nil)
        }
        // Whoever reads the line later says what is wrong with it.
        let line = readLine(strippingNewline: true)
        let paths = line.flatMap { try? JSONDecoder().decode(BoxLine.self, from: Data($0.utf8)) }?.paths
        guard let paths else { return Start(arguments: arguments, line: line, box: nil) }
        var box = ProcessBox()
        box.modelPaths = paths
        box.socketFolder = socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? "."
        // What is not there cannot be kept open for writing.
        try? FileManager.default.createDirectory(
            atPath: box.socketFolder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        box.usesNetwork = !arguments.contains("--prepare")
        return Start(arguments: arguments, line: line, box: box.close())
    }

    struct UsageError: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs until standard input closes.
    ///
    /// - Returns: the exit status.
    package static func main(_ start: Start) async -> Int32 {
        let arguments = start.arguments
        if arguments.dropFirst() == ["--version"] {
            print("libllama \(LlamaBackEnd.version)")
            return 0
        }
        if arguments.dropFirst() == ["--devices"] {
            LlamaBackEnd.start(logger: Logger(label: "engine") { _ in SwiftLogNoOpLogHandler() })
            for device in LlamaBackEnd.devices { print(device) }
            return 0
        }
        if arguments.dropFirst() == ["--memory-bandwidth"] {
            guard let bytesPerSecond = MemoryBandwidth.measure() else { return 1 }
            print(bytesPerSecond.rounded())
            return 0
        }
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        do {
            guard let socket = value(of: "--socket", in: arguments) else {
                throw UsageError(description: "shoal-engine is started by shoal: --socket PATH [--model-name NAME]")
            }
            let name = value(of: "--model-name", in: arguments) ?? "model"
            if arguments.contains("--prepare") {
                try await PreparationProcess.serve(start, socketPath: socket, modelName: name)
            } else {
                try await serve(start, socketPath: socket, modelName: name)
            }
            return 0
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            return error is UsageError ? 64 : 1
        }
    }

    private static func serve(_ start: Start, socketPath: String, modelName: String) async throws {
        guard let line = start.line else {
            throw UsageError(description: "standard input closed before the first line came")
        }
        let introduction = try JSONDecoder().decode(Introduction.self, from: Data(line.utf8))
        var logger = Logger(label: "engine.\(modelName)")
        logger.logLevel = introduction.logLevel.flatMap(Logger.Level.init(rawValue:)) ?? .info
        log(start.box, logger)
        FatalSignals.watch(status: EngineWatch.ExitStatus.signal)
        LlamaBackEnd.start(logger: logger)

        let credentials = try CurrentCredentials(introduction.credentials)
        guard let address = LinkAddress(host: introduction.listen, port: 0) else {
            throw UsageError(description: "\(introduction.listen) is not an address to listen on")
        }
        // Every token passes here, between two computations that take all cores.
        let loop = LinkLoop.shared
        let host = EngineHost(
            neighbours: Neighbours(credentials: credentials, loop: loop, logger: logger), logger: logger)
        EngineWatch(opened: host.opened, logger: logger).start()
        let segment = SegmentService(host: host)
        let network = try LinkServer(
            network: address, credentials: credentials, services: [segment], loop: loop, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await network.run() }
            let port = try await network.port
            let local = try LinkServer(
                socketPath: socketPath,
                services: [ControlService(opened: host.opened, port: port, directory: host.directory), segment],
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

    /// Says what the process gave up, or that it gave up nothing.
    static func log(_ box: ProcessBox.Report?, _ logger: Logger) {
        guard let box else {
            logger.notice("the process is not boxed: its first line names no files of a model")
            return
        }
        logger.log(level: box.isComplete ? .info : .notice, "boxed: \(box.description)")
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
