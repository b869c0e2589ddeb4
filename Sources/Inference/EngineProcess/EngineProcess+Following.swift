import GRPCCore
import Generation
import Link
import Logging
import Subprocess
import SwiftProtobuf

extension EngineProcess {
    /// How long a process may take to say that it is ready and to read the model's header.
    private static let startLimit: Duration = .seconds(60)
    private static let statusInterval: Duration = .seconds(2)
    private static let statusLimit: Duration = .seconds(5)
    /// Unanswered questions in a row after which a process is killed: idle, and while it loads.
    private static let unansweredLimit = (idle: 2, loading: 4)

    /// Reads the engine's standard output: waits for `ready PORT`, connects, opens the model, and returns when the
    /// output ends, which it does with the process.
    nonisolated func follow(
        _ output: SubprocessOutputSequence, socket: String, generation: Int, processID: Int32
    ) async throws(InferenceError) {
        var isReady = false
        do {
            for try await line in output.strings() {
                guard !isReady else { continue }
                let words = line.split(separator: " ")
                guard words.first == "ready", words.count == 2, let port = Int(words[1]), (0...65535).contains(port)
                else { continue }
                isReady = true
                let connection = try await connect(
                    socket: socket, port: port, generation: generation, processID: processID)
                await started(connection)
            }
        } catch let error as InferenceError {
            throw error
        } catch {
            throw InferenceError(
                .engineFailed, "the output of the engine of model \(model) cannot be read", cause: error)
        }
    }

    private nonisolated func connect(
        socket: String, port: Int, generation: Int, processID: Int32
    ) async throws(InferenceError) -> EngineConnection {
        let channel: LinkChannel
        do {
            channel = try await LinkChannel.connect(to: .socket(path: socket), loop: .shared)
        } catch {
            throw InferenceError(
                .engineFailed, "the engine of model \(model) does not answer on its socket \(socket)", cause: error)
        }
        do {
            let description = try await channel.engine.openModel(
                .with { $0.paths = paths }, options: .within(.seconds(60)))
            return EngineConnection(
                generation: generation, processID: processID, channel: channel, port: port, description: description)
        } catch {
            let reason = (error as? RPCError)?.message ?? "\(error)"
            throw InferenceError(
                .engineFailed, "the engine cannot open model \(model): \(reason)",
                hint: "check the model's files with shoal doctor, or import them again", cause: error)
        }
    }

    /// Passes the engine's log lines on, with their levels, and keeps the last ones.
    nonisolated func drain(_ errors: SubprocessOutputSequence, keeping last: LastLines) async {
        do {
            for try await line in errors.strings() where !line.isEmpty {
                last.add(String(line))
                let line = EngineLogLine(line)
                environment.logger.log(level: line.level, "\(line.text)", metadata: ["model": "\(model)"])
            }
        } catch {
            environment.logger.debug("the engine's log ended: \(error)", metadata: ["model": "\(model)"])
        }
    }

    /// Asks the engine regularly how it is, and kills it when it does not answer.
    nonisolated func watch(generation: Int) async {
        let begin = ContinuousClock.now
        var unanswered = 0
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: Self.statusInterval)) != nil else { return }
            guard let connection = await runningConnection, connection.generation == generation else {
                if begin.duration(to: .now) > Self.startLimit {
                    environment.logger.error("the engine takes too long to start", metadata: ["model": "\(model)"])
                    await kill(generation: generation)
                    return
                }
                continue
            }
            let reason: String
            do {
                let status = try await Self.status(of: connection, within: Self.statusLimit)
                unanswered = 0
                environment.onStatus(self, status)
                continue
            } catch {
                reason = (error as? RPCError).map { "\($0.code): \($0.message)" } ?? "\(error)"
            }
            unanswered += 1
            let limit = await isLoading ? Self.unansweredLimit.loading : Self.unansweredLimit.idle
            if unanswered >= limit, !Task.isCancelled {
                environment.logger.error(
                    "the engine does not answer and is killed", metadata: ["model": "\(model)", "why": "\(reason)"])
                await kill(generation: generation)
                return
            }
        }
    }
}
