package import ArgumentParser
package import Identifiers
package import ModelLibrary
import NodeAPI

/// `shoal models lock`: keeps shards from being given up.
package struct ModelsLockCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Keep shards, or a whole model, from being given up by the node itself.")

    @OptionGroup package var lock: LockOptions

    package init() {}

    package func run() async throws { try await lock.set(true) }
}

/// `shoal models unlock`: allows shards to be given up again.
package struct ModelsUnlockCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "unlock", abstract: "Allow the node to give shards, or a whole model, up again.")

    @OptionGroup package var lock: LockOptions

    package init() {}

    package func run() async throws { try await lock.set(false) }
}

/// Which shards to lock or unlock.
package struct LockOptions: ParsableArguments {
    @OptionGroup package var output: OutputOptions

    @Option(name: .long, help: "Shards, such as 0,2-4 (default: all that the node holds).")
    package var shards: ShardSelection?

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: "The model's id, as “shoal models” lists it.")
    package var model: ModelID

    package init() {}

    func set(_ isLocked: Bool) async throws {
        let numbers = try await NodeClient.with(try connection.target()) { client in
            let summary = try await KnownModels(client).ownSummary(
                of: model.rawValue, to: isLocked ? "lock" : "unlock")
            let numbers = shards?.numbers ?? summary.shards.filter(\.local).map(\.index)
            guard !numbers.isEmpty else { throw CommandError("the node holds no shard of \(model)") }
            for index in numbers {
                _ = try await client.put("/api/admin/models/\(model)/shards/\(index)/lock", ["locked": isLocked])
            }
            return numbers
        }
        if output.json {
            Terminal.line(#"{"model_id":"\#(model)","shards":\#(numbers),"locked":\#(isLocked)}"#)
        } else {
            Terminal.line("\(model): shards \(ShardSelection(numbers)) \(isLocked ? "locked" : "unlocked")")
        }
    }
}
