package import ArgumentParser
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal peers`: the other nodes of the swarm.
package struct PeersCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List the other nodes of the swarm, and forget those that will not come back.",
        subcommands: [PeersListCommand.self, PeersRemoveCommand.self],
        defaultSubcommand: PeersListCommand.self)

    package init() {}
}

/// `shoal peers list`: every node of the swarm that is known, connected or not.
package struct PeersListCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the other nodes of the swarm.", aliases: ["ls"])

    @OptionGroup package var list: ListOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let body = try await NodeClient.with(try connection.target()) { try await $0.get("/api/admin/peers") }
        let peers: [PeerBody] = try NodeClient.decode(body)
        list.print(
            peers.map { PeerRow($0, now: Date()) }, body: body,
            empty: "no peers yet; “shoal invite” prints the code to join this swarm")
    }
}

/// `shoal peers rm`: forgets a node that is away.
package struct PeersRemoveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Forget a node that is away and will not come back.",
        discussion: """
            It is not shut out: a node that has the swarm's key comes back when it calls. “shoal leave”, on that node, takes it out. \
            Other nodes know it still, until it is removed there too.
            """,
        aliases: ["remove", "forget"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The node, by its name or id as “shoal peers” lists it.", valueName: "NODE"))
    package var node: String

    package init() {}

    package func run() async throws {
        let (peer, body) = try await NodeClient.with(try connection.target()) { client in
            let peer = try await client.peer(node)
            return (peer, try await client.delete("/api/admin/peers/\(peer.nodeId)"))
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        Terminal.line("\(peer.shownName): forgotten")
    }
}

/// `shoal ping`: how far another node is.
package struct PingCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Show how long a message to another node and back takes.",
        discussion: """
            Nodes that are connected measure it every second; these are the node's latest figures. Ends with status 1 where the other \
            node is away.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("How often to look, once a second.", valueName: "N"))
    package var count = 4

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The node, by its name or id as “shoal peers” lists it.", valueName: "NODE"))
    package var node: String

    package init() {}

    package mutating func validate() throws {
        guard (1...86_400).contains(count) else {
            throw ValidationError("--count must be from 1 to 86400, not \(count)")
        }
    }

    package func run() async throws {
        try await NodeClient.with(try connection.target()) { client in
            var isThere = false
            for round in 0..<count {
                if round > 0 { try await Task.sleep(for: .seconds(1)) }
                let peer = try await client.measuredPeer(node)
                isThere = peer.healthy
                let place = peer.place ?? "no address"
                if let latency = peer.latencyWord, isThere {
                    Terminal.line("\(peer.shownName) (\(place)): \(latency)")
                } else {
                    Terminal.line("\(peer.shownName) (\(place)): \(peer.stateWord(now: Date()))")
                }
            }
            guard isThere else { throw ExitCode.failure }
        }
    }
}

/// `shoal leave`: takes the node out of its swarm.
package struct LeaveCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "leave", abstract: "Take the node out of its swarm; it goes on alone, with its models.",
        discussion: "Needs --yes where nobody can be asked.")

    @Flag(name: .shortAndLong, help: "Do not ask.")
    package var yes = false

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let target = try connection.target()
        try await NodeClient.with(target) { client in
            let peers: [PeerBody] = try await client.get("/api/admin/peers")
            if !yes {
                guard Terminal.readsFromPerson else {
                    throw CommandError("nothing was done: leaving needs --yes where nobody can be asked")
                }
                Terminal.errorLine(
                    "\(target.address) leaves \(Figures.counted(peers.count, "peer")); only an invite code brings it back."
                )
                guard try Terminal.shownLine("leave? (yes/no) ").lowercased().hasPrefix("y") else {
                    throw CommandError("nothing was done")
                }
            }
            let body = try await client.post("/api/admin/leave-network")
            guard !output.json else {
                Terminal.write(body)
                return Terminal.newLine()
            }
            let answer: LeftNetworkBody = try NodeClient.decode(body)
            Terminal.line("alone now; \(Figures.counted(answer.forgottenPeers, "peer")) forgotten")
        }
    }
}

extension NodeClient {
    /// The same as soon as its round trip is measured, which takes a second after it has come.
    func measuredPeer(_ node: String) async throws -> PeerBody {
        for _ in 0..<20 {
            let peer = try await peer(node)
            if peer.latencyMs != nil || !peer.healthy { return peer }
            try await Task.sleep(for: .milliseconds(200))
        }
        return try await peer(node)
    }

    /// The peer of that name, or whose id begins so.
    func peer(_ node: String) async throws -> PeerBody {
        let peers: [PeerBody] = try await get("/api/admin/peers")
        let found = peers.filter { $0.nickname == node || $0.nodeId == node.lowercased() }
        guard let peer = found.first else {
            throw CommandError("the swarm has no node \(node)", hint: "“shoal peers” lists those it has")
        }
        guard found.count == 1 else {
            throw CommandError(
                "\(found.count) nodes are called \(node)",
                hint: "name one by its id: \(found.map(\.nodeId).joined(separator: ", "))")
        }
        return peer
    }
}

/// A line of the list of peers.
private struct PeerRow: ListRow {
    static let headers = ["NODE", "NAME", "STATE", "LATENCY", "SHARDS", "MODELS", "ADDRESS"]
    static let rightAligned: Set<Int> = [3, 4]

    let listName: String
    let cells: [String]

    init(_ peer: PeerBody, now: Date) {
        listName = peer.nodeId
        cells = [
            peer.nodeId, peer.nickname ?? "–", peer.stateWord(now: now),
            peer.latencyWord ?? "–", "\(peer.hostedShards)", peer.modelWord, peer.place ?? "–",
        ]
    }
}

extension PeerBody {
    var shownName: String { nickname.map { "\($0) (\(nodeId))" } ?? nodeId }

    /// The round trip, which the node tells in whole milliseconds.
    var latencyWord: String? {
        latencyMs.map { $0 < 1 ? "< 1 ms" : "\($0) ms" }
    }

    /// The models that it tells of, and how many more there are.
    var modelWord: String {
        let names = hostedModels.joined(separator: ",")
        guard omittedModels > 0 else { return names.isEmpty ? "–" : names }
        return "\(names) and \(omittedModels) more"
    }

    /// Where it is called first, as host and port: its multiaddress (`/ip4/…/tcp/…/p2p/…`) repeats the id.
    var place: String? {
        addresses.first.map { address in
            let parts = address.split(separator: "/")
            guard parts.count >= 4, parts[2] == "tcp" else { return address }
            return parts[0] == "ip6" ? "[\(parts[1])]:\(parts[3])" : "\(parts[1]):\(parts[3])"
        }
    }

    /// Whether it is there, and since when it is not.
    func stateWord(now: Date) -> String {
        if healthy { return "ok" }
        guard let date = try? Date(lastSeen, strategy: .iso8601), date.timeIntervalSince1970 > 0 else {
            return "never seen"
        }
        return "away for \(Figures.seconds(max(0, Int64(now.timeIntervalSince(date)))))"
    }
}
