package import ArgumentParser
import Identifiers
package import ModelLibrary
import NodeAPI

/// `shoal pull`: fetches a model, or some shards of it, from Hugging Face and from peers.
package struct PullCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Fetch a model, or some shards of it, from Hugging Face and from peers.",
        discussion: """
            Without a file the recommended variant is taken; a word without “/” is searched for. Ctrl-C stops watching, not the download. Prints the model's id.
            """)

    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Shards to fetch, such as 0,2-4 (default: all).")
    package var shards: ShardSelection?

    @Flag(name: .long, help: "Fetch all shards (the default).")
    package var all = false

    @Flag(name: .long, help: "Fetch this node's share among all nodes of the swarm.")
    package var fairShare = false

    @Option(name: .long, help: ArgumentHelp("The variant to take, such as Q4_K_M.", valueName: "QUANT"))
    package var quant: String?

    @Option(name: .long, help: ArgumentHelp("The model's id (default: from the file's name).", valueName: "ID"))
    package var modelId: String?

    @Option(name: .long, help: ArgumentHelp("Branch, tag or commit (default: main).", valueName: "NAME"))
    package var revision: String?

    @Flag(name: .long, help: "Begin, and do not wait for the end.")
    package var detach = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(
        help: ArgumentHelp(
            "owner/name, owner/name/file.gguf, owner/name:Q4_K_M, or the page's address; a word to search for otherwise.",
            valueName: "REPO[/FILE]"))
    package var what: PullArgument

    package init() {}

    package mutating func validate() throws {
        guard [shards != nil, all, fairShare].count(where: { $0 }) <= 1 else {
            throw ValidationError("--shards, --all and --fair-share exclude each other")
        }
        if shards?.indices.isEmpty == true { throw ValidationError("--shards names no shard") }
        if let modelId, ModelID(modelId) == nil {
            throw ValidationError(
                "--model-id \(modelId.prefix(80)) is no model id: use lower-case letters, digits, “-” and “.”")
        }
        if case .model(let model) = what, quant != nil || model.quantization != nil, model.file != nil {
            throw ValidationError("a file has its quantisation already; leave the file or the quantisation out")
        }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            let model = try await model(client)
            let variant = try await variant(of: model, client)
            let plan = try await PullPlan(
                client: client, repository: model.repository, variant: variant, revision: revision ?? model.revision,
                selection: selection)
            if !output.json { for line in plan.lines { Terminal.errorLine(line) } }
            let start: HubDownloadBody = try NodeClient.decode(
                await client.post("/api/admin/hf/download-shards", request(for: variant, of: model)))
            guard !detach else { return try await report(start.modelId, client: client, isOver: false) }
            switch try await DownloadWatch(client: client, model: start.modelId, isQuiet: output.json).run() {
            case .interrupted:
                Terminal.errorLine(
                    "\nthe download goes on; “shoal downloads --watch” shows it, "
                        + "“shoal downloads cancel \(start.modelId)” ends it")
                throw ExitCode.failure
            case .over(let downloads):
                for download in downloads where download.state.word != "complete" {
                    let reason = download.state.reason ?? download.log.first ?? "it was \(download.state.word)"
                    throw CommandError(
                        "\(download.modelId) was not fetched: \(reason)",
                        hint: "what has come stays; the same command goes on from there")
                }
                try await report(start.modelId, client: client, isOver: true)
            }
        }
    }

    private var selection: PullPlan.Selection {
        if let shards { return .shards(shards) }
        return fairShare ? .fairShare : .all
    }

    /// The repository to fetch from: the one that was named, or the one that somebody picks of those that a search finds.
    private func model(_ client: NodeClient) async throws -> HubModelArgument {
        let words: String
        switch what {
        case .model(let model): return model
        case .words(let text): words = text
        }
        let hits: [HubHitBody] = try await HubWait.noting("searching") {
            try await client.get("/api/admin/hf/search?query=\(words.queryEncoded)&limit=\(Self.offered)")
        }
        guard !hits.isEmpty else {
            throw CommandError(
                "no repository was named, and nothing was found for “\(words)”",
                hint: "“shoal search” takes other words")
        }
        let rows = hits.enumerated().map { ["\($0.offset + 1)"] + $0.element.cells.prefix(6) }
        let table = Table(headers: ["#"] + HubHitBody.headers.prefix(6), rows: rows, rightAligned: [0, 2, 3, 5])
        for line in table.lines() { Terminal.errorLine(line) }
        guard Terminal.readsFromPerson, Terminal.showsProgress else {
            throw CommandError(
                "which one? “\(words)” names no repository",
                hint: "“shoal pull \(hits[0].repoId)” takes the first of them")
        }
        let text = try Terminal.shownLine("which one, 1 to \(hits.count)? ")
        guard let number = Int(text), (1...hits.count).contains(number),
            let model = HubModelArgument(argument: hits[number - 1].repoId)
        else { throw CommandError("nothing was picked") }
        return model
    }

    /// Repositories that are offered.
    private static let offered = 8

    /// The file to fetch.
    private func variant(of model: HubModelArgument, _ client: NodeClient) async throws -> HubVariantBody {
        let files: HubFilesBody = try await HubWait.noting("looking at \(model.repository)") {
            try await client.get("/api/admin/hf/files?repo_id=\(model.repository.queryEncoded)")
        }
        let names = files.variants.map { $0.quant ?? $0.filename }.joined(separator: ", ")
        let hint = names.isEmpty ? "“shoal search” finds repositories with GGUF files" : "it has \(names)"
        let wanted = model.file ?? quant ?? model.quantization
        guard let wanted else {
            guard let recommended = files.variants.named(files.recommendedVariant) ?? files.variants.first else {
                throw CommandError("\(model.repository) has no GGUF model", hint: hint)
            }
            return recommended
        }
        guard let variant = files.variants.named(wanted) else {
            throw CommandError("\(model.repository) has no \(wanted)", hint: hint)
        }
        return variant
    }

    private func request(for variant: HubVariantBody, of model: HubModelArgument) -> Request {
        Request(
            repoId: model.repository, filename: variant.filename, revision: revision ?? model.revision,
            shards: shards?.numbers, allShards: shards == nil && !fairShare ? true : nil,
            peerFairShare: fairShare ? true : nil, modelId: modelId)
    }

    private func report(_ id: String, client: NodeClient, isOver: Bool) async throws {
        guard output.json else {
            if !isOver { Terminal.errorLine("the download has begun; “shoal downloads --watch” shows it") }
            return Terminal.line(id)
        }
        Terminal.write(try await client.get("/api/admin/models/\(id)/status"))
        Terminal.newLine()
    }

    private struct Request: Encodable, Sendable {
        var repoId: String
        var filename: String
        var revision: String?
        var shards: [Int]?
        var allShards: Bool?
        var peerFairShare: Bool?
        var modelId: String?
    }
}
