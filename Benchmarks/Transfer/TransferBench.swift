import Acquisition
import Events
import Exchange
import Foundation
import GGUF
import GRPCCore
import Identifiers
import Link
import Logging
import ModelLibrary
import Store
import Swarm
import Synchronization

/// Measures how fast a shard comes from another process of this machine, beside a plain copy of the same bytes over TLS, and
/// how fast it is verified.
///
///     shoal-bench-transfer MODEL.gguf FOLDER ROUNDS
///
/// Prints one line per figure: its name and gigabytes (10^9 bytes) per second.
@main
enum TransferBench {
    private static let id = "bench"

    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "--serve" { return try await serve(arguments[2]) }
        guard arguments.count == 4, let rounds = Int(arguments[3]) else {
            fatalError("usage: shoal-bench-transfer MODEL.gguf FOLDER ROUNDS")
        }
        try await measure(model: arguments[1], folder: arguments[2], rounds: rounds)
    }

    // MARK: The process that sends

    private static func library(_ folder: String) async throws -> ModelLibrary {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try await ModelLibrary.open(
            directory: folder + "/models", store: Store(path: folder + "/shoal.sqlite"), logger: quiet)
    }

    private static let quiet = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }

    private static func credentials(_ folder: String, name: String) throws -> (NodeIdentity, CurrentCredentials) {
        let identity = try NodeIdentity.loadOrCreate(path: "\(folder)/\(name).key")
        let swarm = try SwarmKey.loadOrCreate(path: "\(folder)/swarm.key")
        return (identity, try CurrentCredentials(LinkCredentials(identity: identity, swarm: swarm)))
    }

    /// Serves both ways until standard input ends, and prints the ports.
    private static func serve(_ folder: String) async throws {
        let (identity, credentials) = try credentials(folder, name: "holder")
        let library = try await library(folder + "/holder")
        let (model, range) = try await largest(library)
        let plain = try await PlainCopy.serve(path: model.paths[0], range: range, credentials: credentials)
        let swarm = try SwarmService(identity: identity, credentials: credentials, logger: quiet)
        let shards = ShardServer(library: library, logger: quiet)
        let service = SwarmNodeService(swarm: swarm, requests: NoRequests(), shards: shards)
        let server = try LinkServer(
            network: LinkAddress(host: "127.0.0.1", port: 0), credentials: credentials, services: [service],
            shards: service.linkShards, limits: .betweenNodes, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            say("\(try await server.port) \(plain)")
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    while readLine() != nil {}
                    continuation.resume()
                }
            }
            group.cancelAll()
        }
    }

    /// The model, and where the bytes of its largest shard begin and end.
    private static func largest(_ library: ModelLibrary) async throws -> (LibraryModel, Range<UInt64>) {
        guard let id = ModelID(id) else { fatalError("\(id) is a model id") }
        let model = try await library.model(id)
        guard let shard = model.manifest.shards.max(by: { $0.sizeBytes < $1.sizeBytes }),
            let first = shard.ranges.first, let last = shard.ranges.last
        else { fatalError("a model has shards") }
        return (model, first.offset..<last.end)
    }

    // MARK: The process that receives

    private static func measure(model path: String, folder: String, rounds: Int) async throws {
        let holder = try await library(folder + "/holder")
        try await holder.importFile(path: path, id: ModelID(id), shardSizeBytes: 1 << 30)
        let (model, range) = try await largest(holder)
        guard let shard = model.manifest.shards.max(by: { $0.sizeBytes < $1.sizeBytes }) else { return }
        let (identity, own) = try credentials(folder, name: "holder")
        _ = own
        let (_, credentials) = try credentials(folder, name: "asker")
        let asker = try await library(folder + "/asker")
        try await asker.adoptHeader(model.manifest, parts: holder.headers(id: model.id))

        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = ["--serve", folder]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let ports = line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard ports.count == 2, let address = LinkAddress(host: "127.0.0.1", port: ports[0]) else {
            fatalError("the sending process did not start: \(line)")
        }
        let membership = Direct(peer: identity.id, address: address, credentials: credentials)
        let supplier = PeerSupplier(peer: identity.id, membership: membership)
        let target = folder + "/plain.gguf"
        for round in 0...rounds {
            // The first one warms up.
            let report: (String, Double) -> Void = { name, seconds in
                guard round > 0 else { return }
                say("\(name): \(Double(shard.sizeBytes) / seconds / 1e9)")
            }
            let ways: [() async throws -> Void] = [
                {
                    report(
                        "verification", try await seconds { try await holder.verify(id: model.id, shard: shard.index) })
                },
                {
                    report(
                        "plain copy",
                        try await seconds { try await PlainCopy.fetch(port: ports[1], to: target, range: range) })
                    try FileManager.default.removeItem(atPath: target)
                },
                {
                    guard let arrival = try await asker.arrival(of: shard.index, id: model.id) else { return }
                    report("peer transfer", try await seconds { try await fill(arrival, of: model, from: supplier) })
                    try await asker.abandon(arrival)
                },
            ]
            for way in round.isMultiple(of: 2) ? ways : ways.reversed() { try await way() }
        }
    }

    /// Prints a line at once, also into a pipe.
    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private static func seconds(_ body: () async throws -> Void) async throws -> Double {
        let begun = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - begun) / .seconds(1)
    }

    /// Asks for pieces on two streams at once, as a download does.
    private static func fill(_ arrival: ShardArrival, of model: LibraryModel, from supplier: PeerSupplier) async throws
    {
        let pieces = arrival.missing.flatMap { range in
            stride(from: range.offset, to: range.end, by: 16 << 20).map {
                ByteRange(part: range.part, offset: $0, length: min(16 << 20, range.end - $0))
            }
        }
        let queue = Queue(pieces)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while let piece = queue.next() {
                        try await supplier.send([piece], of: arrival.shard, model: model) { bytes, part, offset in
                            try arrival.write(bytes, part: part, at: offset)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        precondition(arrival.missing.isEmpty, "a transfer that ends is complete")
    }

    private final class Queue: Sendable {
        private let pieces: Mutex<[ByteRange]>
        init(_ pieces: [ByteRange]) { self.pieces = Mutex(pieces.reversed()) }
        func next() -> ByteRange? { pieces.withLock { $0.popLast() } }
    }
}

/// A swarm of one known peer.
private final class Direct: Membership {
    let me: NodeID
    private let peer: NodeID
    private let address: LinkAddress
    private let credentials: CurrentCredentials
    private let known = Mutex<LinkChannel?>(nil)

    init(peer: NodeID, address: LinkAddress, credentials: CurrentCredentials) {
        me = peer
        self.peer = peer
        self.address = address
        self.credentials = credentials
    }

    var ownRecord: NodeRecord { NodeRecord() }
    func publish(_ update: (inout NodeRecord) -> Void) {}
    func peers() -> [Peer] { [] }
    func changes() -> AsyncStream<SwarmChange> { AsyncStream { $0.finish() } }
    func inviteCode() throws(SwarmError) -> String { throw SwarmError(.notListening, "not here") }
    func join(code: String) async throws(SwarmError) -> Multiaddress { throw SwarmError(.unreachable, "not here") }

    func channel(to id: NodeID) async throws(LinkError) -> LinkChannel {
        if let channel = known.withLock({ $0 }) { return channel }
        let channel = try await LinkChannel.connect(
            to: .node(peer, addresses: [address]), credentials: credentials, limits: .betweenNodes)
        return known.withLock { known in
            known = known ?? channel
            return known ?? channel
        }
    }
}

private struct NoRequests: NodeRequestHandler {
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
