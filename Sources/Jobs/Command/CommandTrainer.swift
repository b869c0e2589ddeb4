package import Logging
import Subprocess
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Trains by running a command that an operator configured.
///
/// The command finds what it is to do in its environment: `SHOAL_TRAIN_PATH`, `SHOAL_OUTPUT_MODEL`, `SHOAL_DESCRIPTION`,
/// `SHOAL_JOB_ID` and `SHOAL_OUTPUT_DIR`, which is also its working directory; of the node's own environment there is what
/// ``TrainerEnvironment`` passes on. Lines of its standard output that are a ``ProgressLine`` tell how far it is; all others, and its
/// standard error, are the log. Exit status 0 is success. Its standard input is empty.
///
/// It runs under a warden, `shoal warden`: a process that waits for a pipe from the node to close, which it does with the node however
/// that ends, and ends every process that came of the command, whatever session or environment that gave itself. A command that is
/// to stop is sent SIGTERM, and when it does not, the pipe is closed.
package struct CommandTrainer: Trainer {
    /// Time between SIGTERM and SIGKILL.
    package static let gracePeriod: Duration = .seconds(2)
    /// How long the warden may take to end what it guards, before it is ended itself.
    private static let wardenPatience: Duration = .seconds(15)

    private typealias Report = @Sendable (TrainingReport) async -> Void

    private let command: CommandWords
    private let warden: FilePath
    private let gracePeriod: Duration
    private let inherited: [String: String]
    private let logger: Logger

    /// - Parameter shoal: the path of `shoal`, which is the warden.
    package init(
        command: CommandWords, shoal: String, gracePeriod: Duration = CommandTrainer.gracePeriod,
        environment: TrainerEnvironment = .standard,
        ofNode nodeEnvironment: [String: String] = ProcessInfo.processInfo.environment, logger: Logger
    ) {
        self.command = command
        warden = FilePath(shoal)
        self.gracePeriod = gracePeriod
        inherited = environment.passedOn(from: nodeEnvironment)
        self.logger = logger
    }

    package func train(
        _ task: TrainingTask, report: @escaping @Sendable (TrainingReport) async -> Void
    ) async throws {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        // Not cancelled itself: the output is read, and the command waited for, until it has ended.
        let running = Task { try await run(task, stops: stops, report: report) }
        let (status, lastWords) = try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            stop.yield()
        }
        try Task.checkCancellation()
        guard !status.isSuccess else { return }
        throw JobError(
            .trainerFailed, Self.sentence(status) + (lastWords.isEmpty ? "" : ": \(lastWords)"))
    }

    private func run(
        _ task: TrainingTask, stops: AsyncStream<Void>, report: @escaping Report
    ) async throws -> (TerminationStatus, lastWords: String) {
        // Not in the node's group: Ctrl-C at a terminal is for the node, which ends its trainings itself.
        var options = PlatformOptions()
        options.processGroupID = 0
        do {
            let result = try await Subprocess.run(
                .path(warden), arguments: Arguments(["warden"] + command.words),
                environment: .custom(variables(for: task)), workingDirectory: FilePath(task.outputFolder),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let lastWords = await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await _ in stops {
                            try? execution.send(signal: .terminate)
                            guard (try? await Task.sleep(for: gracePeriod)) != nil else { return }
                            try? await execution.standardInputWriter.finish()
                            guard (try? await Task.sleep(for: Self.wardenPatience)) != nil else { return }
                            try? execution.send(signal: .kill)
                        }
                    }
                    async let output: Void = follow(output: execution.standardOutput, report)
                    async let lastWords = follow(error: execution.standardError, report)
                    await output
                    defer { group.cancelAll() }
                    return await lastWords
                }
                // For what a warden that was killed has left.
                LeftoverProcesses.kill(of: [task.job])
                return lastWords
            }
            return (result.terminationStatus, result.closureResult)
        } catch {
            throw JobError(.trainerFailed, "the training command cannot be run: \(error)", cause: error)
        }
    }

    private func follow(output: SubprocessOutputSequence, _ report: Report) async {
        await forEachLine(of: output) { line in
            if let progress = ProgressLine(line) {
                await report(.progress(progress.progress, message: progress.message))
            } else {
                await report(.line(line))
            }
        }
    }

    /// - Returns: the last line that says something.
    private func follow(error: SubprocessOutputSequence, _ report: Report) async -> String {
        var last = ""
        await forEachLine(of: error) { line in
            if line.contains(where: { !$0.isWhitespace }) { last = ProgressLine.shown(line) }
            await report(.line(line))
        }
        return last
    }

    package func endLeftovers(of jobs: [JobID]) {
        LeftoverProcesses.kill(of: Set(jobs))
    }

    /// Reads lines until the output ends, or the command does.
    private func forEachLine(of output: SubprocessOutputSequence, _ body: (String) async -> Void) async {
        var splitter = LineSplitter()
        do {
            for try await buffer in output {
                let lines = buffer.withUnsafeBytes { splitter.lines(adding: $0) }
                for line in lines { await body(line) }
            }
        } catch {
            logger.debug("the output of the trainer ended: \(error)")
        }
        if let rest = splitter.rest() { await body(rest) }
    }

    private func variables(for task: TrainingTask) -> [Subprocess.Environment.Key: String] {
        var variables = inherited
        variables["SHOAL_JOB_ID"] = task.job.description
        variables["SHOAL_TRAIN_PATH"] = task.dataPath
        variables["SHOAL_OUTPUT_MODEL"] = task.request.outputModel
        variables["SHOAL_DESCRIPTION"] = task.request.description
        variables["SHOAL_OUTPUT_DIR"] = task.outputFolder
        return Dictionary(
            uniqueKeysWithValues: variables.compactMap { name, value in
                Subprocess.Environment.Key(rawValue: name).map { ($0, value) }
            })
    }

    private static func sentence(_ status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "the training command ended with status \(code)"
        case .signaled(let signal): "the training command was ended by signal \(signal)"
        }
    }
}
