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
/// It runs in a process group of its own with a warden in it: a process that waits for a pipe from the node to close, which it
/// does with the node however that ends, and then kills the group. A command that is to stop is sent SIGTERM, and SIGKILL when it
/// does not.
package struct CommandTrainer: Trainer {
    /// Time between SIGTERM and SIGKILL.
    package static let gracePeriod: Duration = .seconds(2)

    private typealias Report = @Sendable (TrainingReport) async -> Void

    private let command: CommandWords
    private let gracePeriod: Duration
    private let inherited: [String: String]
    private let logger: Logger

    package init(
        command: CommandWords, gracePeriod: Duration = CommandTrainer.gracePeriod,
        environment: TrainerEnvironment = .standard,
        ofNode nodeEnvironment: [String: String] = ProcessInfo.processInfo.environment, logger: Logger
    ) {
        self.command = command
        self.gracePeriod = gracePeriod
        inherited = environment.passedOn(from: nodeEnvironment)
        self.logger = logger
    }

    /// What `sh -c` runs: the warden as an orphan, which no command can mistake for a child of its own, and then, as the very process
    /// that the node watches, the command. The warden keeps standard error, so that the node reads on until the command has ended
    /// even where that closes its own.
    private static let script = """
        exec 3<&0 </dev/null
        ( ( trap '' HUP INT TERM; exec >/dev/null; while read -r line <&3; do :; done; kill -s KILL -- -$$ ) & )
        exec "$@" 3<&-
        """

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
        var options = PlatformOptions()
        options.processGroupID = 0
        do {
            let result = try await Subprocess.run(
                .path("/bin/sh"), arguments: Arguments(["-c", Self.script, "trainer"] + command.words),
                environment: .custom(variables(for: task)), workingDirectory: FilePath(task.outputFolder),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let lastWords = await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await _ in stops {
                            await execution.teardown(using: [
                                .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: gracePeriod)
                            ])
                        }
                    }
                    async let output: Void = follow(output: execution.standardOutput, report)
                    async let lastWords = follow(error: execution.standardError, report)
                    await output
                    defer { group.cancelAll() }
                    return await lastWords
                }
                // The command has ended and is not reaped yet, so that the group is still its own.
                try? execution.send(signal: .kill, toProcessGroup: true)
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
