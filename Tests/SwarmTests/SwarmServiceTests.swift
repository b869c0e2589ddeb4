import Foundation
import GRPCCore
import Identifiers
import Link
import Logging
import ShoalTestSupport
import Store
import SwiftProtobuf
import Synchronization
import Testing

@testable import Swarm

@Suite("Nodes of one swarm", .timeLimit(.minutes(2)))
struct SwarmServiceTests {
    let key = SwarmKey()

    @Test("Three nodes all meet when two of them are given the address of the third")
    func threeMeet() async throws {
        let nodes = try ["a", "b", "c"].map { try SwarmNode(key: key, nickname: $0) }
        try await nodes[0].run { _ in
            let code = try nodes[0].swarm.inviteCode()
            try await nodes[1].run { _ in
                try await nodes[1].swarm.join(code: code)
                try await nodes[2].run { _ in
                    try await nodes[2].swarm.join(code: code)
                    for node in nodes {
                        let others = Set(nodes.map(\.identity.id)).subtracting([node.identity.id])
                        try await eventually("every node is in touch with every other") { node.healthyPeers == others }
                    }
                    let peer = try #require(nodes[2].swarm.peers().first { $0.id == nodes[1].identity.id })
                    #expect(peer.nickname == "b")
                    #expect(peer.isLocal)
                    try await eventually("round trips are measured") {
                        nodes.allSatisfy { $0.swarm.peers().allSatisfy { $0.roundTrip != nil } }
                    }
                    // What one publishes, the others see.
                    let changes = nodes[2].swarm.changes()
                    nodes[1].swarm.publish { record in
                        var model = HeldModel(ModelID("demo")!)
                        model.layerCount = 8
                        model.shardCount = 2
                        model.shards = [ShardIndex(1)!]
                        record.models = [model]
                    }
                    for await change in changes where change == .peer(nodes[1].identity.id) {
                        let models = nodes[2].swarm.peers().first { $0.id == nodes[1].identity.id }?.record?.models
                        if models?.first?.id.rawValue == "demo" { break }
                    }
                }
            }
        }
    }

    @Test("A node that can only call, and not be called, is in touch all the same")
    func oneWay() async throws {
        let open = try SwarmNode(key: key)
        let hidden = try SwarmNode(key: key)
        try await open.run { address in
            try await hidden.run(isDialable: false) { _ in
                try await hidden.swarm.join(code: Multiaddress(address, nodeID: open.identity.id).description)
                try await eventually {
                    open.healthyPeers == [hidden.identity.id] && hidden.healthyPeers == [open.identity.id]
                }
            }
        }
    }

    @Test("A peer that leaves says so; one that comes back at another port is found again")
    func leaveAndReturn() async throws {
        let steady = try SwarmNode(key: key)
        let identity = NodeIdentity()
        let store = try Store.inMemory()
        try await steady.run { address in
            let first = try SwarmNode(key: key, identity: identity, store: store)
            try await first.run { _ in
                try await first.swarm.join(code: steady.swarm.inviteCode())
                try await eventually { steady.healthyPeers == [identity.id] }
            }
            try await eventually(within: .seconds(3), "the good-bye arrives at once") {
                steady.swarm.peers().allSatisfy { !$0.isConnected }
            }
            // The second life remembers the steady node from the store.
            let second = try SwarmNode(key: key, identity: identity, store: store)
            #expect(second.swarm.peers().map(\.id) == [steady.identity.id])
            #expect(second.swarm.ownRecord.sequence > first.swarm.ownRecord.sequence)
            try await second.run { _ in
                try await eventually {
                    steady.healthyPeers == [identity.id] && second.healthyPeers == [steady.identity.id]
                }
            }
        }
    }

    @Test("A node that comes up later is called until it answers")
    func lateNode() async throws {
        let identity = NodeIdentity()
        let caller = try SwarmNode(key: key)
        // A port that was free a moment ago.
        let port = try await SwarmNode(key: key).run { $0.port }
        let address = try #require(LinkAddress(host: "127.0.0.1", port: port))
        try PeerArchive(store: caller.store).save([
            ArchivedPeer(id: identity.id, addresses: [address], lastSeen: Date())
        ])
        let again = try SwarmNode(key: key, identity: caller.identity, store: caller.store)
        try await again.run { _ in
            try await eventually("it calls in vain") {
                again.swarm.state.withLock { $0.unanswered.contains(identity.id) }
            }
            #expect(again.swarm.peers().map(\.isConnected) == [false])
            let late = try SwarmNode(key: key, identity: identity)
            try await late.run(port: port) { _ in
                try await eventually { again.healthyPeers == [identity.id] && late.healthyPeers == [again.identity.id] }
            }
        }
    }

    @Test("A code of another swarm moves a node that is alone, and its key is kept")
    func moveSwarm() async throws {
        try await withTemporaryFolder { folder in
            let host = try SwarmNode(key: key)
            let path = "\(folder)/swarm.key"
            let guest = try SwarmNode(key: try SwarmKey.loadOrCreate(path: path), keyPath: path)
            try await host.run { _ in
                try await guest.run { _ in
                    let changes = guest.swarm.changes()
                    let answered = try await guest.swarm.join(code: host.swarm.inviteCode())
                    #expect(answered.nodeID == host.identity.id)
                    #expect(try SwarmKey.load(path: path) == key)
                    for await change in changes where change == .credentials { break }
                    try await eventually {
                        host.healthyPeers == [guest.identity.id] && guest.healthyPeers == [host.identity.id]
                    }
                    // Its listener takes members of the new swarm now.
                    let third = try SwarmNode(key: key)
                    try await third.run { _ in
                        try await third.swarm.join(code: guest.swarm.inviteCode())
                        try await eventually { third.healthyPeers == [host.identity.id, guest.identity.id] }
                    }
                }
            }
        }
    }

    @Test("A node that leaves is alone under a new key, forgotten by whoever forgets it, and comes back by a code")
    func leaveSwarm() async throws {
        try await withTemporaryFolder { folder in
            let host = try SwarmNode(key: key, nickname: "host")
            let path = "\(folder)/swarm.key"
            try key.save(path: path)
            let guest = try SwarmNode(key: key, keyPath: path, nickname: "guest")
            try await host.run { _ in
                try await guest.run { _ in
                    try await guest.swarm.join(code: host.swarm.inviteCode())
                    try await eventually {
                        host.healthyPeers == [guest.identity.id] && guest.healthyPeers == [host.identity.id]
                    }
                    // One that is connected would be back at once.
                    #expect(throws: SwarmError.self) { try host.swarm.forget(guest.identity.id) }
                    let changes = guest.swarm.changes()
                    #expect(try await guest.swarm.leaveSwarm() == 1)
                    for await change in changes where change == .credentials { break }
                    #expect(guest.swarm.peers().isEmpty)
                    #expect(try SwarmKey.load(path: path) != key && guest.credentials.value.swarm != key)
                    #expect(try PeerArchive(store: guest.store).load().isEmpty)
                    try await eventually { host.swarm.peers().allSatisfy { !$0.isConnected } }
                    try await eventually("the host calls in vain") {
                        host.swarm.state.withLock { $0.unanswered.contains(guest.identity.id) }
                    }
                    #expect(host.healthyPeers.isEmpty && guest.healthyPeers.isEmpty)
                    #expect(host.swarm.peers().map(\.nickname) == ["guest"])
                    try host.swarm.forget(guest.identity.id)
                    #expect(host.swarm.peers().isEmpty)
                    let error = #expect(throws: SwarmError.self) { try host.swarm.forget(guest.identity.id) }
                    #expect(error?.code == .unknownPeer)
                    try await guest.swarm.join(code: host.swarm.inviteCode())
                    try await eventually {
                        host.healthyPeers == [guest.identity.id] && guest.healthyPeers == [host.identity.id]
                    }
                }
            }
        }
    }

    @Test("The name and the last sight of a peer that is away are kept over a restart")
    func rememberedName() async throws {
        let host = try SwarmNode(key: key)
        let guest = try SwarmNode(key: key, nickname: "calm-otter")
        try await host.run { _ in
            try await guest.run { _ in
                try await guest.swarm.join(code: host.swarm.inviteCode())
                try await eventually { host.healthyPeers == [guest.identity.id] }
            }
            try await eventually { host.swarm.peers().allSatisfy { !$0.isConnected } }
            host.swarm.remember()
        }
        let again = try SwarmNode(key: key, identity: host.identity, store: host.store)
        let peer = try #require(again.swarm.peers().first)
        #expect(peer.nickname == "calm-otter" && peer.lastSeen != nil && !peer.isConnected)
    }

    @Test("A node that has peers is not moved to another swarm")
    func stayInSwarm() async throws {
        let first = try SwarmNode(key: key)
        let second = try SwarmNode(key: key)
        let other = try SwarmNode(key: SwarmKey())
        try await first.run { _ in
            try await second.run { _ in
                try await second.swarm.join(code: first.swarm.inviteCode())
                try await eventually { second.healthyPeers == [first.identity.id] }
                try await other.run { address in
                    let code = try other.swarm.inviteCode()
                    let error = await #expect(throws: SwarmError.self) { try await second.swarm.join(code: code) }
                    #expect(error?.code == .alreadyMember)
                    // Nor does a bare address lead into another swarm.
                    let bare = Multiaddress(address, nodeID: nil).description
                    let refused = await #expect(throws: SwarmError.self) { try await second.swarm.join(code: bare) }
                    #expect(refused?.code == .refused)
                }
            }
        }
    }

    @Test("A code that leads nowhere changes nothing")
    func deadCode() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/swarm.key"
            let mine = try SwarmKey.loadOrCreate(path: path)
            let node = try SwarmNode(key: mine, keyPath: path)
            try await node.run { address in
                let dead = try Invite(
                    swarm: key, addresses: [Multiaddress("/ip4/127.0.0.1/tcp/1/p2p/\(NodeIdentity().id.hex)")]
                ).code
                let error = await #expect(throws: SwarmError.self) { try await node.swarm.join(code: dead) }
                #expect(error?.code == .unreachable)
                #expect(try SwarmKey.load(path: path) == mine)
                #expect(node.credentials.value.swarm == mine)
                let own = await #expect(throws: SwarmError.self) {
                    try await node.swarm.join(code: try node.swarm.inviteCode())
                }
                #expect(own?.code == .ownCode)
                let bare = await #expect(throws: SwarmError.self) {
                    try await node.swarm.join(code: Multiaddress(address, nodeID: nil).description)
                }
                #expect(bare?.code == .ownCode)
            }
        }
    }

    @Test("Adopting an invite at start keeps the key and the inviter")
    func adoption() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/swarm.key"
            let store = try Store.inMemory()
            let (me, host) = (NodeIdentity().id, NodeIdentity().id)
            let invite = Invite(swarm: key, addresses: [try Multiaddress("/ip4/10.0.0.1/tcp/8801/p2p/\(host.hex)")])
            _ = try SwarmKey.loadOrCreate(path: path)
            #expect(try SwarmAdoption.adopt(invite, keyPath: path, store: store, me: me) == key)
            #expect(try SwarmKey.load(path: path) == key)
            #expect(try PeerArchive(store: store).load().map(\.id) == [host])
            // Again is fine; another swarm is not, now that a peer is known.
            _ = try SwarmAdoption.adopt(invite, keyPath: path, store: store, me: me)
            let other = Invite(swarm: SwarmKey(), addresses: invite.addresses)
            let error = #expect(throws: SwarmError.self) {
                try SwarmAdoption.adopt(other, keyPath: path, store: store, me: me)
            }
            #expect(error?.code == .alreadyMember)
            #expect(try SwarmKey.load(path: path) == key)
        }
    }

    struct Nonsense: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let messages: @Sendable (NodeIdentity) throws -> [Shoal_V1_PeerMessage]
    }

    static let nonsense: [Nonsense] = [
        Nonsense(testDescription: "a ping before the record") { _ in [.with { $0.ping.nonce = 1 }] },
        Nonsense(testDescription: "an empty message") { try [introduction($0), Shoal_V1_PeerMessage()] },
        Nonsense(testDescription: "garbage as record") { _ in
            [.with { $0.record.record = Data(repeating: 9, count: 100) }]
        },
        Nonsense(testDescription: "another node's record as its own") { _ in [try introduction(NodeIdentity())] },
        Nonsense(testDescription: "a forged record of a third node") { identity in
            var forged = try introduction(NodeIdentity()).record
            forged.signature = Data(repeating: 0, count: 64)
            return try [introduction(identity), .with { $0.known.records = [forged] }]
        },
        Nonsense(testDescription: "a flood of pings") { identity in
            try [introduction(identity)] + (0..<5000).map { index in .with { $0.ping.nonce = UInt64(index) } }
        },
        Nonsense(testDescription: "an oversized record") { _ in
            [.with { $0.record.record = Data(repeating: 9, count: 1 << 20) }]
        },
    ]

    static func introduction(_ identity: NodeIdentity) throws -> Shoal_V1_PeerMessage {
        var record = NodeRecord()
        record.sequence = 1
        return .init(.record(try SignedNodeRecord(record, identity: identity, now: Date()).envelope))
    }

    @Test("A member that sends nonsense is cut off with the reason, and the node goes on", arguments: nonsense)
    func cutOff(_ nonsense: Nonsense) async throws {
        let node = try SwarmNode(key: key)
        let rude = NodeIdentity()
        let credentials = try CurrentCredentials(LinkCredentials(identity: rude, swarm: key))
        try await node.run { address in
            let channel = try await LinkChannel.connect(
                to: .node(node.identity.id, addresses: [address]), credentials: credentials, timeout: .seconds(20))
            let error = await #expect(throws: RPCError.self) {
                try await channel.node.attend { writer in
                    for message in try nonsense.messages(rude) { try await writer.write(message) }
                } onResponse: { response in
                    for try await _ in response.messages {}
                }
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.hasPrefix("cut off: ") == true)
            try await eventually { node.swarm.peers().allSatisfy { !$0.isConnected } }
            let decent = try SwarmNode(key: key)
            try await decent.run { _ in
                try await decent.swarm.join(code: node.swarm.inviteCode())
                try await eventually { node.healthyPeers == [decent.identity.id] }
            }
        }
    }

    @Test("A peer that falls silent without closing is noticed and let go")
    func silentPeer() async throws {
        var limits = SwarmNode.quick
        limits.responsive = .milliseconds(600)
        limits.silence = .milliseconds(1500)
        let node = try SwarmNode(key: key, limits: limits)
        let mute = NodeIdentity()
        let credentials = try CurrentCredentials(LinkCredentials(identity: mute, swarm: key))
        try await node.run { address in
            let channel = try await LinkChannel.connect(
                to: .node(node.identity.id, addresses: [address]), credentials: credentials, timeout: .seconds(20))
            // Introduces itself, then echoes nothing; the stream ends from the other side.
            try? await channel.node.attend { writer in
                try await writer.write(Self.introduction(mute))
                try await eventually { node.healthyPeers == [mute.id] }
                try await eventually { node.healthyPeers.isEmpty && node.swarm.peers().first?.isConnected == true }
                try await Task.sleep(for: .seconds(60))
            } onResponse: { response in
                for try await _ in response.messages {}
            }
            #expect(node.swarm.peers().map(\.isConnected) == [false])
        }
    }

    @Test("A record of one's own past that is ahead is overtaken")
    func lostDatabase() async throws {
        let identity = NodeIdentity()
        let reborn = try SwarmNode(key: key, identity: identity)
        let witness = try SwarmNode(key: key)
        let ahead = reborn.swarm.ownRecord.sequence + 3_600_000
        var past = NodeRecord()
        past.sequence = ahead
        let signed = try SignedNodeRecord(past, identity: identity, now: Date())
        witness.swarm.state.withLock { _ = $0.table.received(signed, at: .zero) }
        try await witness.run { _ in
            try await reborn.run { _ in
                try await reborn.swarm.join(code: witness.swarm.inviteCode())
                try await eventually { witness.swarm.peers().first?.record?.addresses.isEmpty == false }
                #expect(reborn.swarm.ownRecord.sequence > ahead)
            }
        }
    }

    @Test("Channels to peers are shared, and an unknown node is a typed error")
    func channels() async throws {
        let first = try SwarmNode(key: key)
        let second = try SwarmNode(key: key)
        try await first.run { _ in
            try await second.run { _ in
                try await second.swarm.join(code: first.swarm.inviteCode())
                try await eventually {
                    first.healthyPeers == [second.identity.id] && second.healthyPeers == [first.identity.id]
                }
                for (from, to) in [(first, second), (second, first)] {
                    let channel = try await from.swarm.channel(to: to.identity.id)
                    #expect(channel.peer == to.identity.id)
                    #expect(try await from.swarm.channel(to: to.identity.id) === channel)
                }
                let error = await #expect(throws: LinkError.self) {
                    try await first.swarm.channel(to: NodeIdentity().id)
                }
                #expect(error?.code == .unreachable)
            }
        }
    }

    @Test("Publishing what is known already is no news, and of what breaks the rules the rest is sent")
    func publishing() throws {
        let node = try SwarmNode(key: key)
        node.swarm.publish { $0.nickname = "attic" }
        let sequence = node.swarm.ownRecord.sequence
        node.swarm.publish { $0.nickname = "attic" }
        #expect(node.swarm.ownRecord.sequence == sequence)
        // What cannot be made right is not sent.
        node.swarm.publish { $0.hardware.memoryBytes = .max }
        #expect(node.swarm.ownRecord.hardware.memoryBytes == 0 && node.swarm.ownRecord.sequence == sequence)
        node.swarm.publish { $0.nickname = String(repeating: "x", count: 1000) }
        #expect(node.swarm.ownRecord.nickname == String(repeating: "x", count: 128))
        let models = (0..<700).map { index -> HeldModel in
            var model = HeldModel(ModelID("m-\(index)")!)
            model.name = "m"
            return model
        }
        node.swarm.publish { $0.models = models }
        let crowded = node.swarm.ownRecord
        #expect(crowded.models.count == 512 && crowded.omittedModels == 188)
        node.swarm.publish { $0.models = models }
        #expect(node.swarm.ownRecord == crowded)
        node.swarm.publish {
            $0.nickname = "cellar"
            $0.models = Array(models.prefix(2))
        }
        #expect(node.swarm.ownRecord.nickname == "cellar" && node.swarm.ownRecord.models.count == 2)
        #expect(node.swarm.ownRecord.omittedModels == 0)
        #expect(node.swarm.ownRecord.sequence > sequence)
        #expect(throws: SwarmError.self) { try node.swarm.inviteCode() }
    }
}
