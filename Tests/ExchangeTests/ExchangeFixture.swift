import Events
import Exchange
import Foundation
import GGUF
import GRPCCore
import Identifiers
import Link
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Swarm
import Synchronization
import Testing

/// A folder with the libraries of two nodes in it, which hold the same model.
struct ExchangeFixture {
    static let id = "tiny"
    /// Cuts the model into five shards or so.
    static let shardSizeBytes: UInt64 = 150_000
    static let swarm = SwarmKey()

    let root: String
    /// The whole file.
    let bytes: [UInt8]
    /// Holds all of the model.
    let holder: ModelLibrary
    /// Knows its header.
    let asker: ModelLibrary
    let model: LibraryModel

    var identifier: ModelID { model.id }

    func shard(_ number: Int) throws -> ShardIndex { try #require(ShardIndex(number)) }

    func ranges(_ number: Int) throws -> [ByteRange] { try #require(model.manifest[shard: shard(number)]).ranges }

    /// A library that knows the model's header and holds nothing.
    func emptyLibrary(_ name: String) async throws -> ModelLibrary {
        let library = try await Self.library(root, name)
        try await library.adoptHeader(model.manifest, parts: holder.headers(id: model.id))
        return library
    }

    fileprivate static func library(_ root: String, _ name: String) async throws -> ModelLibrary {
        try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
        return try await ModelLibrary.open(
            directory: "\(root)/\(name)/models", store: Store(path: "\(root)/\(name)/shoal.sqlite"), logger: .quiet)
    }
}

func withExchange(
    layerCount: Int = 6, wide: Int = 192, shardSizeBytes: UInt64 = ExchangeFixture.shardSizeBytes,
    _ body: (ExchangeFixture) async throws -> Void
) async throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("exchange-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let path = "\(root)/\(ExchangeFixture.id).gguf"
    try TinyModel(layerCount: layerCount, wide: wide).writer().write(to: path)
    let holder = try await ExchangeFixture.library(root, "holder")
    let model = try await holder.importFile(
        path: path, id: ModelID(ExchangeFixture.id), shardSizeBytes: shardSizeBytes
    ).model
    let asker = try await ExchangeFixture.library(root, "asker")
    let known = try await holder.headers(id: model.id)
    try await asker.adoptHeader(model.manifest, parts: known)
    try await body(
        ExchangeFixture(
            root: root, bytes: Array(Data(contentsOf: URL(fileURLWithPath: path))), holder: holder, asker: asker,
            model: model))
}

/// A GGUF model with random weights.
struct TinyModel {
    var layerCount: Int
    /// Width of the feed-forward tensors, which decides the model's size.
    var wide: Int

    func writer() throws -> GGUFWriter {
        var random = SeededRandom(seed: 1)
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Tiny"))
        writer.set("general.file_type", to: .uint32(15))
        writer.set("llama.block_count", to: .uint32(UInt32(layerCount)))
        writer.set("llama.context_length", to: .uint32(4096))
        writer.set("llama.embedding_length", to: .uint32(64))
        writer.set("llama.attention.head_count", to: .uint32(8))
        writer.set("llama.attention.head_count_kv", to: .uint32(2))
        writer.set("llama.attention.layer_norm_rms_epsilon", to: .float32(1e-5))
        writer.set("tokenizer.ggml.model", to: .string("llama"))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray((0..<256).map { "t\($0)" })))
        try writer.add(tensor: "token_embd.weight", dimensions: [64, 256], values: values(64 * 256))
        for layer in 0..<layerCount {
            try writer.add(tensor: "blk.\(layer).attn_q.weight", dimensions: [64, 128], values: values(64 * 128))
            try writer.add(
                tensor: "blk.\(layer).ffn_up.weight", dimensions: [64, UInt64(wide)], values: values(64 * wide))
        }
        try writer.add(tensor: "output_norm.weight", dimensions: [64], values: values(64))
        return writer
    }
}

/// One node of the test's swarm.
struct TestNode: Sendable {
    let identity: NodeIdentity
    let credentials: CurrentCredentials

    init() throws {
        identity = NodeIdentity()
        credentials = try CurrentCredentials(LinkCredentials(identity: identity, swarm: ExchangeFixture.swarm))
    }

    var id: NodeID { identity.id }

    /// Answers shard requests over a real link for the time of `body`, which is given what another node sees of this one.
    @discardableResult
    func serve<Result: Sendable>(
        _ shards: any ShardRequestHandler, _ body: @Sendable (TestMembership) async throws -> Result
    ) async throws -> Result {
        let swarm = try SwarmService(identity: identity, credentials: credentials, logger: .quiet)
        let service = SwarmNodeService(swarm: swarm, requests: NoRequests(), shards: shards)
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: credentials, services: [service],
            shards: service.linkShards, gracePeriod: .zero, logger: .quiet)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            let address = try #require(LinkAddress(host: "127.0.0.1", port: try await server.port))
            return try await body(TestMembership(me: try TestNode(), addresses: [id: address]))
        }
    }
}

/// A swarm of nodes at known addresses, each of which holds what it is said to.
final class TestMembership: Membership {
    let me: NodeID
    private let credentials: CurrentCredentials
    private let addresses: [NodeID: LinkAddress]
    private let channels = Mutex<[NodeID: LinkChannel]>([:])
    private let known: [Peer]

    init(me: TestNode, addresses: [NodeID: LinkAddress], peers: [Peer] = []) {
        self.me = me.id
        credentials = me.credentials
        self.addresses = addresses
        known = peers
    }

    /// The nodes of several memberships, as `peers` say what they hold.
    convenience init(joining others: [TestMembership], peers: [Peer]) throws {
        let addresses = others.flatMap { Array($0.addresses) }
        self.init(me: try TestNode(), addresses: Dictionary(uniqueKeysWithValues: addresses), peers: peers)
    }

    var ownRecord: NodeRecord { NodeRecord() }
    func publish(_ update: (inout NodeRecord) -> Void) {}
    func peers() -> [Peer] { known }
    func changes() -> AsyncStream<SwarmChange> { AsyncStream { $0.finish() } }

    func channel(to id: NodeID) async throws(LinkError) -> LinkChannel {
        if let channel = channels.withLock({ $0[id] }) { return channel }
        guard let address = addresses[id] else { throw LinkError(.unreachable, "nobody knows this node") }
        let channel = try await LinkChannel.connect(
            to: .node(id, addresses: [address]), credentials: credentials, timeout: .seconds(20))
        channels.withLock { $0[id] = channel }
        return channel
    }

    func inviteCode() throws(SwarmError) -> String { throw SwarmError(.notListening, "not here") }
    func join(code: String) async throws(SwarmError) -> Multiaddress { throw SwarmError(.unreachable, "not here") }
}

struct NoRequests: NodeRequestHandler {
    func prepareWindow(
        _ request: Shoal_V1_PrepareWindowRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_PrepareWindowProgress>
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }

    func fetchHeader(
        _ request: Shoal_V1_FetchHeaderRequest, from peer: NodeID, response: RPCWriter<Shoal_V1_FileChunk>
    ) async throws {
        throw RPCError(code: .unimplemented, message: "not here")
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension PeerSupplier {
    /// Sends what is missing of an arrival into it.
    func fill(_ arrival: ShardArrival, model: LibraryModel) async throws {
        try await send(arrival.missing, of: arrival.shard, model: model) { bytes, part, offset in
            try arrival.write(bytes, part: part, at: offset)
        }
    }
}
