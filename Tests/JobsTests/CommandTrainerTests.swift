import Foundation
import Logging
import ShoalTestSupport
import Synchronization
import Testing

@testable import Jobs

/// Runs real processes, each a small shell script.
@Suite(.serialized) struct CommandTrainerTests {
    /// What a trainer reported and how it ended.
    struct Outcome {
        var reports: [TrainingReport]
        var error: (any Error)?
        var message: String? { (error as? JobError)?.message }
        var lines: [String] {
            reports.compactMap { if case .line(let line) = $0 { line } else { nil } }
        }
    }

    /// A folder with a script in it.
    struct Script {
        let folder: String
        let task: TrainingTask

        init(_ text: String, description: String = "it's a \"test\"\n$HOME") throws {
            folder = "\(FileManager.default.temporaryDirectory.path)/trainer-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder + "/output", withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: folder + "/train.sh"))
            task = TrainingTask(
                job: .random(),
                request: try TrainingRequest(outputModel: "tiny", description: description, path: "/data"),
                dataPath: "/the/data", outputFolder: folder + "/output")
        }

        func remove() { try? FileManager.default.removeItem(atPath: folder) }

        func trainer(_ words: [String]? = nil, grace: Duration = .milliseconds(300)) throws -> CommandTrainer {
            CommandTrainer(
                command: try #require(CommandWords(words: words ?? ["/bin/sh", folder + "/train.sh", "an argument"])),
                shoal: BuildProducts.shoal, gracePeriod: grace,
                environment: try #require(TrainerEnvironment("KEPT, ALSO_*")),
                ofNode: [
                    "PATH": "/usr/bin:/bin", "LC_TIME": "C", "KEPT": "yes", "ALSO_KEPT": "yes",
                    "SHOAL_API_KEY": "secret",
                    "HF_TOKEN": "secret", "AWS_SECRET_ACCESS_KEY": "secret", "SHOAL_HF_TOKEN": "secret",
                    "https_proxy": "http://me:secret@proxy", "KEPT_BACK": "secret",
                ],
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }

        func run(
            _ trainer: CommandTrainer, onReport: @escaping @Sendable (TrainingReport) -> Void = { _ in }
        ) async -> Outcome {
            let reports = Reports()
            do {
                try await trainer.train(task) { report in
                    reports.add(report)
                    onReport(report)
                }
                return Outcome(reports: reports.all)
            } catch {
                return Outcome(reports: reports.all, error: error)
            }
        }
    }

    final class Reports: Sendable {
        private let state = Mutex<[TrainingReport]>([])
        var all: [TrainingReport] { state.withLock { $0 } }
        func add(_ report: TrainingReport) { state.withLock { $0.append(report) } }
    }

    func withScript(_ text: String, _ body: (Script) async throws -> Void) async throws {
        let script = try Script(text)
        defer { script.remove() }
        try await body(script)
        #expect(LeftoverProcesses.processes(of: [script.task.job]).isEmpty)
    }

    @Test("the command finds what it is to do in its environment, and no key of the node")
    func environment() async throws {
        try await withScript(
            """
            printf '%s|%s|%s|%s|%s|%s|%s' "$SHOAL_TRAIN_PATH" "$SHOAL_OUTPUT_MODEL" "$SHOAL_DESCRIPTION" \
                "$SHOAL_JOB_ID" "$SHOAL_OUTPUT_DIR" "$1" "$KEPT" > seen
            env | sed 's/=.*//' | sort > names
            env | grep -c secret > count
            cat > input
            """
        ) { script in
            let outcome = try await script.run(script.trainer())
            #expect(outcome.error == nil)
            let output = script.task.outputFolder
            let seen = FileManager.default.contents(atPath: output + "/seen").map {
                String(decoding: $0, as: UTF8.self)
            }
            #expect(
                seen == "/the/data|tiny|it's a \"test\"\n$HOME|\(script.task.job)|\(output)|an argument|yes")
            // Shells add some of their own, and the second line of the description looks like one.
            let names = FileManager.default.contents(atPath: output + "/names").map {
                Set(String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init))
            }
            #expect(
                names?.subtracting(["OLDPWD", "PWD", "SHLVL", "_", "$HOME"]) == [
                    "SHOAL_TRAIN_PATH", "SHOAL_OUTPUT_MODEL", "SHOAL_DESCRIPTION", "SHOAL_JOB_ID", "SHOAL_OUTPUT_DIR",
                    "PATH", "LC_TIME", "KEPT", "ALSO_KEPT",
                ])
            #expect(FileManager.default.contents(atPath: output + "/count") == Data("0\n".utf8))
            #expect(FileManager.default.contents(atPath: output + "/input") == Data())
        }
    }

    @Test("lines of JSON are progress, and all others the log")
    func lines() async throws {
        try await withScript(
            """
            echo starting
            echo '{"progress":0.5,"message":"half"}'
            printf '\\377\\376 bytes\\n'
            head -c 300000 /dev/zero | tr '\\0' x
            echo
            printf '{"progress":1}'
            """
        ) { script in
            let outcome = await script.run(try script.trainer())
            #expect(outcome.error == nil)
            let progress = outcome.reports.filter { if case .progress = $0 { true } else { false } }
            #expect(progress == [.progress(0.5, message: "half"), .progress(1, message: nil)])
            #expect(outcome.lines.count == 3 && outcome.lines.prefix(2) == ["starting", "\u{FFFD}\u{FFFD} bytes"])
            #expect(outcome.lines.last?.hasSuffix("(234464 bytes left out)") == true)
        }
    }

    @Test(
        "how the command ended is told, with its last words",
        arguments: [
            ("exit 3", "the training command ended with status 3"),
            (
                "echo one >&2; echo 'two: bad' >&2; echo >&2; exit 1",
                "the training command ended with status 1: two: bad"
            ),
            ("kill -9 $$", "the training command was ended by signal 9"),
            ("kill -s SEGV $$", "the training command was ended by signal 11"), ("exit 0", nil), ("", nil),
            ("exec >/dev/null 2>&1; exit 4", "the training command ended with status 4"),
        ] as [(String, String?)])
    func endings(_ text: String, message: String?) async throws {
        try await withScript(text) { script in
            let outcome = try await script.run(script.trainer())
            #expect(outcome.message == message)
        }
    }

    @Test("a command that is not there fails with its name")
    func missing() async throws {
        try await withScript("") { script in
            let outcome = await script.run(try script.trainer(["/nowhere/train", "x"]))
            #expect(outcome.message?.contains("/nowhere/train") == true)
        }
    }

    @Test("a command that closes its output goes on until it ends")
    func closedOutput() async throws {
        try await withScript("exec >&- 2>&-; sleep 0.3; echo done > marker") { script in
            let outcome = try await script.run(script.trainer())
            #expect(outcome.error == nil)
            #expect(FileManager.default.contents(atPath: script.task.outputFolder + "/marker") == Data("done\n".utf8))
        }
    }

    @Test("a command that waits for all its children is not kept by the warden")
    func waitsForChildren() async throws {
        try await withScript("sleep 0.1 & sleep 0.2 & wait; echo waited") { script in
            let outcome = await script.run(try script.trainer())
            #expect(outcome.error == nil && outcome.lines == ["waited"])
        }
    }

    @Test("what the command leaves behind, in its group or out of it, ends with it")
    func leftBehind() async throws {
        try await withScript("sleep 600 & setsid sleep 600 & (trap '' TERM HUP; sleep 600) & sleep 0.1; echo ready") {
            script in
            let began = ContinuousClock.now
            let outcome = await script.run(try script.trainer())
            #expect(outcome.error == nil && outcome.lines == ["ready"])
            #expect(ContinuousClock.now - began < .seconds(30))
        }
    }

    /// Each starts a process that writes its id, outlives its parent, and has nothing by which it could be found.
    static let escapes = [
        "env -i setsid sh -c 'echo $$ > escaped; exec sleep 600' &",
        "(env -i setsid sh -c '(trap \"\" HUP TERM; echo $$ > escaped; exec sleep 600) &' &)",
        "env -i setsid sh -c 'cd /; exec >/dev/null 2>&1 </dev/null; echo $$ > '$PWD'/escaped; exec sleep 600' &",
        // As a daemon does: twice on its own, each time in a new session.
        "env -i setsid sh -c 'setsid sh -c \"echo \\$\\$ > escaped; exec sleep 600\" & exit 0' &",
    ]

    /// The processes that got away, and that they are gone.
    func expectGone(_ script: Script, count: Int = 1) throws {
        let text = try #require(FileManager.default.contents(atPath: script.task.outputFolder + "/escaped"))
        let processes = String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
        #expect(processes.count == count)
        for process in processes { #expect(process > 1 && kill(process, 0) != 0 && errno == ESRCH) }
    }

    private static let waitForIt = "while ! [ -s escaped ]; do sleep 0.02; done"

    @Test("nothing that a command started outlives it, whatever session and environment it has", arguments: escapes)
    func escaped(_ text: String) async throws {
        try await withScript("\(text)\n\(Self.waitForIt)\necho ready") { script in
            let outcome = await script.run(try script.trainer())
            #expect(outcome.error == nil && outcome.lines == ["ready"])
            try expectGone(script)
        }
    }

    @Test("nor what a command that is cancelled has started, nor one that fails", arguments: escapes)
    func escapedCancelling(_ text: String) async throws {
        try await withScript("trap '' TERM\n\(text)\n\(Self.waitForIt)\necho ready; sleep 600; sleep 600") { script in
            let trainer = try script.trainer()
            let gate = Gate()
            let training = Task {
                await script.run(trainer) { if $0 == .line("ready") { gate.open() } }
            }
            await gate.pass()
            training.cancel()
            #expect(await training.value.error is CancellationError)
            try expectGone(script)
        }
        try await withScript("\(text)\n\(Self.waitForIt)\nexit 3") { script in
            let outcome = await script.run(try script.trainer())
            #expect(outcome.message == "the training command ended with status 3")
            try expectGone(script)
        }
    }

    @Test("hundreds of processes that a command leaves end with it")
    func many() async throws {
        try await withScript(
            """
            for i in $(seq 100); do
                env -i setsid sh -c 'sleep 600 & sleep 600 & echo $$ >> escaped; exec sleep 600' &
            done
            while [ "$(cat escaped 2>/dev/null | wc -l)" -lt 100 ]; do sleep 0.02; done
            """
        ) { script in
            let outcome = await script.run(try script.trainer())
            #expect(outcome.error == nil)
            try expectGone(script, count: 100)
        }
    }

    @Test(
        "a command that is cancelled ends, with all it started, whether it minds or not",
        arguments: [
            "echo ready; sleep 600", "sleep 600 & echo ready; wait", "trap '' TERM; echo ready; sleep 600; sleep 600",
            "trap '' TERM; (trap '' TERM; sleep 600) & echo ready; exec >&- 2>&-; sleep 600; sleep 600",
            "setsid sh -c 'trap \"\" TERM; sleep 600' & echo ready; sleep 600",
        ])
    func cancelling(_ text: String) async throws {
        try await withScript(text) { script in
            let trainer = try script.trainer()
            let gate = Gate()
            let training = Task {
                await script.run(trainer) { if $0 == .line("ready") { gate.open() } }
            }
            await gate.pass()
            let began = ContinuousClock.now
            training.cancel()
            #expect(await training.value.error is CancellationError)
            #expect(ContinuousClock.now - began < .seconds(30))
        }
    }

    @Test("a command that minds SIGTERM has time for it")
    func politeEnd() async throws {
        try await withScript(
            "trap 'sleep 0.2; echo saved > marker; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
        ) {
            script in
            let trainer = try script.trainer(grace: .seconds(20))
            let gate = Gate()
            let training = Task {
                await script.run(trainer) { if $0 == .line("ready") { gate.open() } }
            }
            await gate.pass()
            training.cancel()
            #expect(await training.value.error is CancellationError)
            #expect(FileManager.default.contents(atPath: script.task.outputFolder + "/marker") == Data("saved\n".utf8))
        }
    }

    @Test("a training that is cancelled before it begins does not begin, or ends at once")
    func cancelledEarly() async throws {
        try await withScript("sleep 600") { script in
            let trainer = try script.trainer()
            let training = Task { await script.run(trainer) }
            training.cancel()
            #expect(await training.value.error != nil)
        }
    }
}
