package import ArgumentParser
import NodeAPI

/// `shoal train`: has the node train on a folder.
package struct TrainCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train on a folder of the node's, with the command that its operator has set.",
        discussion: """
            Waits for the end; Ctrl-C stops watching, not the training, which “shoal jobs” shows and “shoal jobs cancel” ends. \
            Needs training.command in the node's shoal.yaml.
            """)

    @OptionGroup package var output: OutputOptions

    @Option(
        name: .customLong("as"), help: ArgumentHelp("Name of the result (default: MyCustomModel).", valueName: "NAME"))
    package var outputModel: String?

    @Option(name: .long, help: "What it is about; the training command gets it.")
    package var description: String?

    @Flag(name: .long, help: "Begin, print the job's id, and do not wait for the end.")
    package var detach = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(
        help: ArgumentHelp("The folder of the data as the node sees it, such as /letters.", valueName: "FOLDER"))
    package var path: String

    package init() {}

    package func run() async throws {
        struct Content: Encodable, Sendable {
            var trainPath: String
            var outputModel: String?
            var description: String?
        }
        let content = Content(trainPath: path, outputModel: outputModel, description: description)
        try await NodeClient.with(try connection.target()) { client in
            let begun: JobBody = try NodeClient.decode(
                await client.post("/admin/api/train", content, headers: ["prefer": "respond-async"]))
            guard !detach else {
                if !output.json { Terminal.errorLine("the training has begun; “shoal jobs show \(begun.id)” shows it") }
                return Terminal.line(output.json ? #"{"id":"\#(begun.id)","state":"\#(begun.state)"}"# : begun.id)
            }
            if !output.json { Terminal.errorLine("job \(begun.id)") }
            let job = try await JobWatch(client: client, id: begun.id, isQuiet: output.json).run()
            if output.json {
                Terminal.write(try await client.get("/admin/api/jobs/\(job.id)"))
                Terminal.newLine()
            }
            try job.requireResult()
            if !output.json { for line in job.lines { Terminal.line(line) } }
        }
    }
}
