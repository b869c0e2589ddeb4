import Acquisition
package import ArgumentParser
import Events
import GGUF
import Identifiers
import Logging
package import ModelLibrary
import Node
import Store
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal import`: takes a GGUF model, or some of its shards, into a node's data directory.
package struct ImportCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a model from a GGUF file, or some of its shards.",
        discussion: """
            Works with and without a running node, which notices by itself. On one disk the bytes are shared and not copied. \
            Prints the model's id. Of a model in parts any part will do, or all of them: “shoal import m-*.gguf”. Several models are \
            imported one after the other.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The node's data directory (or SHOAL_DATA_DIR; default: ~/.local/share/shoal).", valueName: "DIR"))
    package var dataDir: String?

    @Option(name: .long, help: ArgumentHelp("The model's id (default: from the file's name).", valueName: "ID"))
    package var modelId: String?

    @Option(name: .long, help: "Shards to take, such as 0,2-4 (default: all).")
    package var shards: ShardSelection?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Size that the model is cut into shards of (default: models.shard_size_mb, 512).", valueName: "N"))
    package var shardSizeMb: Int?

    @Flag(name: .long, help: "Print JSON instead of the id alone.")
    package var json = false

    @Argument(help: ArgumentHelp("The GGUF file; of a model in parts, any or all of them.", valueName: "FILE.gguf"))
    package var files: [String]

    package init() {}

    package mutating func validate() throws {
        if let modelId, ModelID(modelId) == nil {
            throw ValidationError(
                "--model-id \(modelId.prefix(80)) is no model id: use lower-case letters, digits, “-” and “.”")
        }
        if let shardSizeMb, !(1...65536).contains(shardSizeMb) {
            throw ValidationError("--shard-size-mb must be from 1 to 65536, not \(shardSizeMb)")
        }
        let models = Self.models(files)
        guard models.count == 1 || (modelId == nil && shards == nil) else {
            throw ValidationError(
                "--model-id and --shards go with one model, and these are \(models.count): "
                    + models.prefix(5).joined(separator: ", "))
        }
    }

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let settings = try Settings.load(
            flags: dataDir.map { ["node.data_dir": $0] } ?? [:], environment: environment)
        let directory = DataDirectory(path: settings.node.dataDirectory)
        try directory.create()
        let store = try Store(path: directory.database)
        let logger = Logger(label: "import") { StandardErrorLogHandler(label: $0, level: .error, format: .text) }
        let library = try await ModelLibrary.open(directory: directory.models, store: store, logger: logger)
        let models = Self.models(files)
        var hasFailed = false
        for file in models {
            do {
                try await take(
                    Settings.absolutePath(file, environment: environment), into: library, settings,
                    ModelRecords(store: store, logger: logger))
            } catch  where models.count > 1 && !(error is CancellationError) {
                Terminal.error(CommandError(describing: error))
                hasFailed = true
            }
        }
        await tell(directory)
        if hasFailed { throw ExitCode.failure }
    }

    /// One file of each model that these files are or belong to, in their order.
    static func models(_ files: [String]) -> [String] {
        var seen: Set<[String]> = []
        return files.filter { seen.insert(PartName.siblings(of: $0)).inserted }
    }

    private func take(
        _ file: String, into library: ModelLibrary, _ settings: Settings, _ records: ModelRecords
    ) async throws {
        let size = try await shardSizeBytes(file, settings, library: library)
        let bar = Mutex(ProgressBar("importing \(file.split(separator: "/").last ?? "")"))
        let outcome: ImportOutcome
        do {
            outcome = try await library.importFile(
                path: file, id: modelId.flatMap { ModelID($0) }, shards: shards?.indices, shardSizeBytes: size
            ) { progress in
                bar.withLock { $0.update(progress) }
            }
        } catch {
            bar.withLock { $0.finish() }
            throw error
        }
        bar.withLock { $0.finish() }
        try note(outcome, records: records)
        report(outcome)
    }

    /// nil where the library knows the model: it stays cut as it is.
    private func shardSizeBytes(
        _ file: String, _ settings: Settings, library: ModelLibrary
    ) async throws -> UInt64? {
        if let shardSizeMb { return UInt64(shardSizeMb) << 20 }
        let id = modelId.flatMap { ModelID($0) } ?? ModelID(fileName: file)
        let isKnown = await library.models().contains { $0.id == id }
        return isKnown ? nil : UInt64(settings.models.shardSizeMegabytes) << 20
    }

    /// Who imports a whole model wants it here. Who chooses shards has chosen: the node holds no more of them by itself until the
    /// operator says so, with a whole import or another policy.
    private func note(_ outcome: ImportOutcome, records: ModelRecords) throws {
        let model = outcome.model
        if shards == nil { try records.pin(model.id, at: Date()) }
        try records.update(model.id) { record in
            record.isDeleted = false
            let policy = record.policy
            // The numbers are none that a policy cannot have.
            if let limited = try? ModelPolicy(
                isEnabled: policy.isEnabled, maximumShards: shards == nil ? 0 : model.held.count,
                allowsPruning: policy.allowsPruning)
            {
                record.policy = limited
            }
            for shard in model.held { record.shards[shard]?.isDeleted = false }
        }
    }

    private func report(_ outcome: ImportOutcome) {
        let model = outcome.model
        let held = ShardSelection(model.held)
        guard !json else {
            return Terminal.line(
                """
                {"model_id":"\(model.id)","shard_count":\(model.manifest.shards.count),\
                "shards":\(model.held.sorted().map(\.rawValue)),"placement":"\(outcome.placement)",\
                "copied_bytes":\(outcome.copiedBytes)}
                """)
        }
        let how =
            switch outcome.placement {
            case .alreadyThere: "were there already"
            case .hardLinked, .cloned: "without a copy"
            case .copied: "\(Figures.bytes(Int64(clamping: outcome.copiedBytes))) copied"
            }
        let (shards, layers) = (model.manifest.shards.count, model.manifest.layerCount)
        let what =
            model.held.count == shards
            ? "all of it (\(Figures.counted(shards, "shard")), \(Figures.counted(layers, "layer")))"
            : "shards \(held) of \(shards), layers "
                + model.heldLayers.map { "\($0.first)-\($0.end - 1)" }.joined(separator: ", ") + " of \(layers)"
        Terminal.errorLine("\(what), \(how)")
        Terminal.line("\(model.id)")
    }

    /// Lets a running node look at once; it looks by itself every few seconds.
    private func tell(_ directory: DataDirectory) async {
        guard let record = RunRecord.running(in: directory), let address = NodeAddress(record.url) else { return }
        let target = NodeTarget(
            address: address, source: .running, apiKey: try? APIKeyFile.load(in: directory), directory: directory)
        _ = try? await NodeClient.with(target) { try await $0.post("/api/admin/rescan-shards") }
    }
}

extension ProgressBar {
    fileprivate mutating func update(_ progress: ImportProgress) {
        switch progress.phase {
        case .hashing: label = "reading"
        case .copying: label = "copying"
        case .verifying: label = "verifying"
        }
        update(done: Int64(clamping: progress.completedBytes), total: Int64(clamping: progress.totalBytes))
    }
}
