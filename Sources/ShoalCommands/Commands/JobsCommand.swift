package import ArgumentParser
import NodeAPI

/// `shoal jobs`: trainings, and what became of them.
package struct JobsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List, show and cancel trainings, and read their logs.",
        subcommands: [JobsListCommand.self, JobsShowCommand.self, JobsLogCommand.self, JobsCancelCommand.self],
        defaultSubcommand: JobsListCommand.self)

    package init() {}
}

/// `shoal jobs list`: the caller's trainings, or everybody's for administrators.
package struct JobsListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List trainings, the newest first; administrators see everybody's.",
        aliases: ["ls"])

    @OptionGroup package var list: ListOptions

    @Option(name: .long, help: "Most jobs to list.")
    package var limit = 50

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package mutating func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000, not \(limit)") }
    }

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.get("/admin/api/jobs?limit=\(limit)")
        }
        let jobs: JobListBody = try NodeClient.decode(body)
        list.print(jobs.jobs, body: body, empty: "no trainings yet; “shoal train FOLDER” begins one")
        if jobs.next != nil, !list.json, !list.quiet { Terminal.errorLine("there are more; --limit shows them") }
    }
}

/// A training, as “shoal jobs” lists it.
package struct JobArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The job's id, as “shoal jobs” lists it.", valueName: "JOB"))
    package var id: String

    package init() {}

    /// As a part of a path.
    var pathPart: String { id.queryEncoded }
}

/// `shoal jobs show`: one training.
package struct JobsShowCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a training.")

    @Flag(name: .shortAndLong, help: "Wait until it has ended.")
    package var wait = false

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions
    @OptionGroup package var job: JobArgument

    package init() {}

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            if wait { _ = try await JobWatch(client: client, id: job.pathPart, isQuiet: output.json).run() }
            let body = try await client.get("/admin/api/jobs/\(job.pathPart)")
            if output.json {
                Terminal.write(body)
                Terminal.newLine()
            } else {
                let found: JobBody = try NodeClient.decode(body)
                for line in found.lines { Terminal.line(line) }
            }
        }
    }
}

/// `shoal jobs log`: what a training wrote.
package struct JobsLogCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Print what a training has written.", aliases: ["logs"])

    @OptionGroup package var connection: ConnectionOptions
    @OptionGroup package var job: JobArgument

    package init() {}

    package func run() async throws {
        Terminal.write(
            try await NodeClient.with(try connection.target()) {
                try await $0.get("/admin/api/jobs/\(job.pathPart)/log")
            })
    }
}

/// `shoal jobs cancel`: ends a training.
package struct JobsCancelCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a training; its tokens come back.", aliases: ["stop"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions
    @OptionGroup package var job: JobArgument

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.post("/admin/api/jobs/\(job.pathPart)/cancel")
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let found: JobBody = try NodeClient.decode(body)
        Terminal.line("\(found.id): \(found.hasEnded ? found.state : "ending")")
    }
}
