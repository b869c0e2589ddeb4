package import ArgumentParser
import NodeAPI

/// `shoal schedule`: when the node gives less.
package struct ScheduleCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Show or set the hours in which the node gives less to the swarm.",
        subcommands: [ScheduleGetCommand.self, ScheduleSetCommand.self],
        defaultSubcommand: ScheduleGetCommand.self)

    package init() {}

    /// Prints the schedule that the node answered.
    static func print(_ body: [UInt8], asJSON: Bool) throws {
        guard !asJSON else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let schedule: ScheduleBody = try NodeClient.decode(body)
        let hours = "\(schedule.reducedHoursStart):00 to \(schedule.reducedHoursEnd):00"
        Terminal.line("reduced hours  \(hours)\(schedule.enabled ? "" : ", switched off")")
        Terminal.line("contribution   \(schedule.reducedContribution) in those hours")
        Terminal.line("pruning        \(schedule.pruneAggressiveness)")
    }
}

/// `shoal schedule get`.
package struct ScheduleGetCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(commandName: "get", abstract: "Show the schedule.")

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/schedule") }
        try ScheduleCommand.print(body, asJSON: output.json)
    }
}

/// `shoal schedule set`.
package struct ScheduleSetCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the schedule; what is not given stays as it is.")

    @OptionGroup package var output: OutputOptions

    @Flag(name: .long, inversion: .prefixedEnableDisable, help: "Keep to the reduced hours, or do not.")
    package var hours: Bool?

    @Option(name: .long, help: "First reduced hour, 0 to 23, on the node's clock.")
    package var from: Int?

    @Option(name: .long, help: "The hour that is no longer reduced; before --from it is the next day's.")
    package var to: Int?

    @Option(name: .long, help: "What the node gives in those hours: minimal, moderate or maximum.")
    package var contribution: String?

    @Option(name: .long, help: "How soon shards are given up: conservative, normal or aggressive.")
    package var pruning: String?

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package mutating func validate() throws {
        for (name, hour) in [("--from", from), ("--to", to)] {
            if let hour, !(0...23).contains(hour) { throw ValidationError("\(name) must be from 0 to 23, not \(hour)") }
        }
        if let contribution, !["minimal", "moderate", "maximum"].contains(contribution) {
            throw ValidationError("--contribution must be minimal, moderate or maximum")
        }
        if let pruning, !["conservative", "normal", "aggressive"].contains(pruning) {
            throw ValidationError("--pruning must be conservative, normal or aggressive")
        }
        if hours == nil, from == nil, to == nil, contribution == nil, pruning == nil {
            throw ValidationError("nothing to change; “shoal schedule get” shows the schedule")
        }
    }

    package func run() async throws {
        let change = Change(
            enabled: hours, reducedHoursStart: from, reducedHoursEnd: to, reducedContribution: contribution,
            pruneAggressiveness: pruning)
        let body = try await NodeClient.with(try connection.target()) {
            try await $0.put("/api/admin/schedule", change)
        }
        try ScheduleCommand.print(body, asJSON: output.json)
    }

    private struct Change: Encodable, Sendable {
        var enabled: Bool?
        var reducedHoursStart: Int?
        var reducedHoursEnd: Int?
        var reducedContribution: String?
        var pruneAggressiveness: String?
    }
}
