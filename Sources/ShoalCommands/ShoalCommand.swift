package import ArgumentParser
import Node

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `shoal`: the daemon and everything one says to it.
package struct ShoalCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "shoal",
        abstract: "Run one AI model over several machines.",
        discussion: """
            Start a node with “shoal serve”, give it a model with “shoal import”, let another machine join with the code of \
            “shoal invite”, and ask with “shoal chat” or any OpenAI client.
            """,
        version: NodeVersion.current,
        subcommands: [WardenCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "This node",
                subcommands: [ServeCommand.self, LogsCommand.self, ImportCommand.self, DoctorCommand.self]),
            CommandGroup(
                name: "The swarm",
                subcommands: [
                    InviteCommand.self, JoinCommand.self, LeaveCommand.self, StatusCommand.self, PeersCommand.self,
                    PingCommand.self,
                ]
            ),
            CommandGroup(name: "The cluster", subcommands: [WorkerCommand.self, ClusterCommand.self]),
            CommandGroup(
                name: "Models",
                subcommands: [
                    SearchCommand.self, PullCommand.self, DownloadsCommand.self, ModelsCommand.self, RmCommand.self,
                    StorageCommand.self, ScheduleCommand.self, ChatCommand.self, BenchCommand.self, LoRACommand.self,
                    ModelsListCommand.self, ShowCommand.self, PsCommand.self, ModelsUnloadCommand.self,
                ]),
            CommandGroup(name: "Training", subcommands: [TrainCommand.self, JobsCommand.self]),
            CommandGroup(
                name: "People and programs",
                subcommands: [
                    LogInCommand.self, LogOutCommand.self, MeCommand.self, UserCommand.self, TokenCommand.self,
                ]),
        ]
    )

    package init() {}

    /// Parses the arguments, runs the command, and ends the process: 0 done, 1 failed, 64 usage.
    package static func run(arguments: [String]) async -> Never {
        leave(await outcome(of: arguments))
    }

    /// The system's `exit`; the command type has one of its own.
    private static func leave(_ status: Int32) -> Never {
        #if canImport(Glibc)
            Glibc.exit(status)
        #else
            Darwin.exit(status)
        #endif
    }

    /// Runs a command line and answers its exit status; messages are on standard output and error.
    package static func outcome(of arguments: [String]) async -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let error as ExitCode {
            return error.rawValue
        } catch let error where isParserMessage(error) {
            if exitCode(for: error) != .success, let mistyped = MistypedCommand(in: arguments, of: ShoalCommand.self) {
                Terminal.error(
                    CommandError(
                        mistyped.message, hint: "“\(mistyped.parent) --help” lists the commands that there are"))
                return exitCode(for: error).rawValue
            }
            return report(parserMessage: error)
        } catch {
            Terminal.error(CommandError(describing: error))
            return 1
        }
    }

    /// Whether the argument parser made the error: a usage error, or a request for help or the version.
    private static func isParserMessage(_ error: any Error) -> Bool {
        let code = exitCode(for: error)
        return code == .validationFailure || code == .success
    }

    private static func report(parserMessage error: any Error) -> Int32 {
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code == .success {
            Terminal.line(message)
        } else {
            let prefix = "Error: "
            Terminal.errorLine(message.hasPrefix(prefix) ? "error: " + message.dropFirst(prefix.count) : message)
        }
        return code.rawValue
    }
}
