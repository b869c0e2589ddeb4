import BLAKE3
import Exchange
import Foundation
import GGUF
import Identifiers
import Link
import ShoalTestSupport
import Store
import Synchronization

@testable import Acquisition
@testable import ModelLibrary

/// A node's library that has only the header of a small model, the bytes of that model, and a queue that fetches it from
/// scripted suppliers.
final class DownloadFixture: Sendable {
    static let shardSizeBytes: UInt64 = 150_000

    let root: String
    let bytes: [UInt8]
    let library: ModelLibrary
    let model: ModelID
    /// The right hash of each shard, which its holders tell.
    let shardHashes: [BLAKE3.Digest?]
    let script: Script

    /// What the suppliers have, and what the queue told of them.
    final class Script: Sendable {
        struct State {
            var groups: [[ScriptedSupplier]] = []
            var room: UInt64 = .max
            var blamed: [NodeID] = []
            var credited: [NodeID: UInt64] = [:]
            var running = 0
            var mostRunning = 0
        }
        let state = Mutex(State())
    }

    /// - Parameter hashes: whether the header tells the shards' hashes, as one from a peer does.
    init(hashes: Bool, seed: UInt64 = 1) async throws {
        root = FileManager.default.temporaryDirectory.path(percentEncoded: false) + "/downloads-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root + "/publisher", withIntermediateDirectories: true)
        let path = root + "/tiny.gguf"
        try Self.writer(seed: seed).write(to: path)
        bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        let publisher = try await ModelLibrary.open(directory: root + "/publisher", store: Store.inMemory())
        let whole = try await publisher.importFile(path: path, shardSizeBytes: Self.shardSizeBytes).model
        let headers = try await publisher.headers(id: whole.id)
        library = try await ModelLibrary.open(
            directory: root + "/models", store: Store(path: root + "/shoal.sqlite"))
        var manifest = whole.manifest
        if !hashes { for index in manifest.shards.indices { manifest.shards[index].hash = nil } }
        try await library.adoptHeader(manifest, parts: headers)
        model = whole.id
        shardHashes = whole.manifest.shards.map(\.hash)
        script = Script()
    }

    private static func writer(seed: UInt64) throws -> GGUFWriter {
        var random = SeededRandom(seed: seed)
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Tiny"))
        writer.set("llama.block_count", to: .uint32(6))
        writer.set("llama.context_length", to: .uint32(512))
        writer.set("llama.embedding_length", to: .uint32(64))
        writer.set("llama.attention.head_count", to: .uint32(8))
        try writer.add(tensor: "token_embd.weight", dimensions: [64, 256], values: values(64 * 256))
        for layer in 0..<6 {
            try writer.add(tensor: "blk.\(layer).attn_q.weight", dimensions: [64, 128], values: values(64 * 128))
            try writer.add(tensor: "blk.\(layer).ffn_up.weight", dimensions: [64, 192], values: values(64 * 192))
        }
        try writer.add(tensor: "output_norm.weight", dimensions: [64], values: values(64))
        return writer
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// A queue over this library; every one continues what those before it left.
    func queue(settings: DownloadQueue.Settings = .hasty, store: Store? = nil) throws -> DownloadQueue {
        let script = script
        let own = peer(0)
        let shardHashes = shardHashes
        return try DownloadQueue(
            library: library, store: store ?? Store(path: root + "/shoal.sqlite"),
            sources: ShardSources(
                offer: { _, shard in
                    // A peer that sent a wrong shard is not asked any more.
                    let groups = script.state.withLock { state in
                        state.groups.map { group in
                            group.filter { supplier in !state.blamed.contains { .peer($0) == supplier.name } }
                        }
                    }
                    let hasPeers = groups.contains { $0.contains { $0.name != .hub } }
                    return ShardOffer(
                        groups: groups.map { $0.map { $0 as any ShardSupplier } },
                        expectedHash: hasPeers ? shardHashes[shard.rawValue] : nil)
                },
                adoptHeader: { model in throw AcquisitionError(.noSource, "nobody knows \(model)") },
                nodes: { (own, []) }, room: { script.state.withLock { $0.room } }, admit: { _ in },
                credit: { peer, count in script.state.withLock { $0.credited[peer, default: 0] += count } },
                blame: { peer, _, _ in script.state.withLock { $0.blamed.append(peer) } }),
            settings: settings)
    }

    /// A supplier that has the model's bytes.
    func supplier(_ name: SupplierName, _ conduct: ScriptedSupplier.Conduct = .honest) -> ScriptedSupplier {
        ScriptedSupplier(name: name, bytes: bytes, conduct: conduct)
    }

    func offer(_ groups: [[ScriptedSupplier]]) { script.state.withLock { $0.groups = groups } }

    func isWhole() async throws -> Bool {
        let model = try await library.model(model)
        let stored = try Array(Data(contentsOf: URL(fileURLWithPath: model.paths[0])))
        let damaged = try await library.verify(id: model.id)
        return model.isComplete && stored == bytes && damaged.isEmpty
    }
}

extension DownloadQueue.Settings {
    /// Without long waits.
    static var hasty: Self {
        var settings = Self()
        settings.firstPause = .milliseconds(1)
        settings.longestPause = .milliseconds(4)
        settings.roomInterval = .milliseconds(5)
        settings.transfer.pieceBytes = 20_000...20_000
        return settings
    }
}

/// Sends a model's bytes, more or less well.
final class ScriptedSupplier: ShardSupplier {
    enum Conduct: Sendable {
        case honest
        /// Every byte from there on is wrong.
        case lying
        /// Sends a wrong piece, then nothing until it is cancelled.
        case lyingThenStuck
        /// Breaks off after so many bytes, every time.
        case failing(after: Int)
        /// Breaks off with probability a half, somewhere.
        case shaky(seed: UInt64)
        /// Sends one piece, then nothing until it is cancelled.
        case stuck
    }

    struct Broken: Error {}

    private static let chunk = 7000

    let name: SupplierName
    private let bytes: [UInt8]
    private let conduct: Conduct
    private let random: Mutex<SeededRandom>
    /// What was asked for.
    let asked = Mutex<[ByteRange]>([])
    let sent = Mutex<UInt64>(0)

    init(name: SupplierName, bytes: [UInt8], conduct: Conduct) {
        self.name = name
        self.bytes = bytes
        self.conduct = conduct
        var seed: UInt64 = 1
        if case .shaky(let given) = conduct { seed = given }
        random = Mutex(SeededRandom(seed: seed))
    }

    func send(
        _ ranges: [ByteRange], of shard: ShardIndex, model: LibraryModel,
        to receive: @Sendable (_ bytes: UnsafeRawBufferPointer, _ part: Int, _ offset: UInt64) async throws -> Void
    ) async throws {
        asked.withLock { $0 += ranges }
        var budget = Int.max
        switch conduct {
        case .failing(let after): budget = after
        case .shaky:
            budget = random.withLock { Bool.random(using: &$0) ? Int.random(in: 0...200_000, using: &$0) : .max }
        default: break
        }
        for range in ranges {
            for start in stride(from: Int(range.offset), to: Int(range.end), by: Self.chunk) {
                let end = min(start + Self.chunk, Int(range.end))
                guard budget >= end - start else { throw Broken() }
                budget -= end - start
                var piece = Array(bytes[start..<end])
                switch conduct {
                case .lying, .lyingThenStuck: piece[0] ^= 1
                default: break
                }
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
                defer { copy.deallocate() }
                copy.copyBytes(from: piece)
                try await receive(UnsafeRawBufferPointer(copy), range.part, UInt64(start))
                sent.withLock { $0 += UInt64(piece.count) }
                switch conduct {
                case .stuck, .lyingThenStuck: try await Task.sleep(for: .seconds(600))
                default: break
                }
            }
        }
    }
}

/// A node's id, made of a number.
func peer(_ number: Int) -> NodeID {
    guard let id = NodeID(bytes: [UInt8](repeating: UInt8(number), count: NodeID.byteCount)) else {
        fatalError("32 bytes are a node id")
    }
    return id
}

/// Runs a queue beside `body`.
func running(_ queue: DownloadQueue, _ body: () async throws -> Void) async throws {
    let task = Task { try await queue.run() }
    do {
        try await body()
    } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
    task.cancel()
    _ = await task.result
}

struct TookTooLong: Error {
    let status: DownloadStatus?
}

extension DownloadQueue {
    /// Waits until a model's download is as it should be.
    func wait(for model: ModelID, until isRight: (DownloadStatus) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            if let status = status(of: model), isRight(status) { return }
            guard ContinuousClock.now < deadline else { throw TookTooLong(status: status(of: model)) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func waitForEnd(of model: ModelID) async throws -> DownloadStatus.State {
        try await wait(for: model) { !$0.state.isActive }
        return status(of: model)!.state
    }
}
