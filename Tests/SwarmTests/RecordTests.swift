import BLAKE3
import Foundation
import Identifiers
import Link
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Swarm

@Suite("Node records")
struct RecordTests {
    static let identity = NodeIdentity()
    let now = Date(timeIntervalSince1970: 1_800_000_000)

    static func plain(sequence: UInt64 = 5) -> Shoal_V1_NodeRecord {
        Shoal_V1_NodeRecord.with {
            $0.nodeID = Data(identity.id.bytes)
            $0.sequence = sequence
            $0.issuedUnixMilliseconds = 1_800_000_000_000
            $0.nickname = "attic"
            $0.addresses = ["192.168.1.5:8801"]
            $0.models = [
                .with {
                    $0.modelID = "demo-1.0"
                    $0.shardCount = 4
                    $0.layerCount = 8
                    $0.shards = [0, 1]
                    $0.layers = [.with { $0.end = 4 }]
                }
            ]
        }
    }

    @Test("A signed record is read back")
    func roundTrip() throws {
        let signed = try SignedNodeRecord(signing: Self.plain(), identity: Self.identity, now: now)
        let read = try SignedNodeRecord(checking: signed.envelope, now: now)
        #expect(read.id == Self.identity.id)
        #expect(read.record == signed.record)
        #expect(read.addresses == [LinkAddress("192.168.1.5:8801")])
    }

    @Test("Everything that a record says is read back from the wire")
    func everything() throws {
        func layers(_ first: Int, _ end: Int) throws -> LayerRange { try #require(LayerRange(first: first, end: end)) }
        var model = HeldModel(try #require(ModelID("demo-1.0")))
        model.name = "Demo"
        model.architecture = "llama"
        model.manifestHash = BLAKE3.hash([1, 2, 3])
        model.totalBytes = 1 << 40
        model.shardCount = 4
        model.layerCount = 8
        model.cutAlignment = 2
        model.shards = Set([0, 3].compactMap { ShardIndex($0) })
        model.downloading = Set([1].compactMap { ShardIndex($0) })
        model.layers = [try layers(0, 2), try layers(6, 8)]
        model.loadedWindows = [try layers(0, 2)]
        model.millisecondsPerLayer = 1.5
        model.hubSource = HubSource(repository: "owner/name", file: "demo.gguf", revision: "main")
        var record = NodeRecord()
        record.sequence = 5
        record.issued = now
        record.started = now - 60.125
        record.nickname = "attic"
        record.version = "1.2"
        record.engineVersion = "b1"
        record.region = "cellar"
        record.addresses = ["192.168.1.5:8801", "[::1]:8801"].compactMap { LinkAddress($0) }
        record.hardware.processor = "a processor"
        record.hardware.cores = 16
        record.hardware.memoryBytes = 1 << 36
        record.hardware.gpu = "a GPU"
        record.hardware.gpuMemoryBytes = 1 << 35
        record.hardware.operatingSystem = "a system"
        record.models = [model]
        record.omittedModels = 7
        record.links = [NodeIdentity().id: .milliseconds(12.25), NodeIdentity().id: .zero]
        record.demand = [model.id: 3]
        let signed = try SignedNodeRecord(record, identity: Self.identity, now: now)
        #expect(signed.record == record)
        #expect(try SignedNodeRecord(checking: signed.envelope, now: now).record == record)
    }

    @Test("What a later version adds is passed on as it was signed")
    func unknownFields() throws {
        // Field 99, a text.
        let bytes = try Self.plain().serializedBytes() as [UInt8] + [0x9A, 0x06, 0x02, 0x68, 0x69]
        let envelope = RecordEnvelope(
            record: Data(bytes), signature: Data(try Self.identity.sign(Array("shoal-node-record-v1".utf8) + bytes)))
        let read = try SignedNodeRecord(checking: envelope, now: now)
        #expect(read.record.nickname == "attic" && read.envelope == envelope)
    }

    @Test("A model whose id no library would take is left out, and the rest of the record counts")
    func foreignIDs() throws {
        var record = Self.plain()
        record.models += ["a_b", "con", "-x", "a--b"].map { id in .with { $0.modelID = id } }
        record.demand = ["demo", "a_b"].map { id in .with { $0.modelID = id } }
        let read = try SignedNodeRecord(signing: record, identity: Self.identity, now: now).record
        #expect(read.models.map(\.id.rawValue) == ["demo-1.0"] && read.demand.keys.map(\.rawValue) == ["demo"])
    }

    @Test("A record with any byte changed is refused")
    func forged() throws {
        let signed = try SignedNodeRecord(signing: Self.plain(), identity: Self.identity, now: now)
        for index in 0..<signed.envelope.record.count {
            var envelope = signed.envelope
            envelope.record[index] ^= 0x10
            #expect(throws: SwarmError.self) { try SignedNodeRecord(checking: envelope, now: now) }
        }
        for index in 0..<64 {
            var envelope = signed.envelope
            envelope.signature[index] ^= 1
            #expect(throws: SwarmError.self) { try SignedNodeRecord(checking: envelope, now: now) }
        }
    }

    @Test("Another node's signature does not do")
    func otherSigner() throws {
        let thief = NodeIdentity()
        let bytes: [UInt8] = try Self.plain().serializedBytes()
        let envelope = RecordEnvelope(
            record: Data(bytes),
            signature: Data(try thief.sign(Array("shoal-node-record-v1".utf8) + bytes)))
        let error = #expect(throws: SwarmError.self) { try SignedNodeRecord(checking: envelope, now: now) }
        #expect(error?.message.contains("not signed by it") == true)
    }

    @Test("Random bytes are no record")
    func random() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let envelope = RecordEnvelope(record: Data(bytes), signature: Data(bytes.prefix(64)))
            #expect(throws: SwarmError.self) { try SignedNodeRecord(checking: envelope, now: now) }
        }
    }

    struct Breach: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout Shoal_V1_NodeRecord) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout Shoal_V1_NodeRecord) -> Void) {
            testDescription = name
            self.change = change
        }
    }

    static let breaches: [Breach] = [
        Breach("sequence 0") { $0.sequence = 0 },
        Breach("absurd sequence") { $0.sequence = .max },
        Breach("issued two days ahead") { $0.issuedUnixMilliseconds += 2 * 86_400_000 },
        Breach("started in the far future") { $0.startedUnixMilliseconds = .max },
        Breach("overlong nickname") { $0.nickname = String(repeating: "x", count: 129) },
        Breach("terminal escape in nickname") { $0.nickname = "\u{1B}[2J" },
        Breach("C1 control in nickname") { $0.nickname = "\u{9B}31m" },
        Breach("unreadable address") { $0.addresses = ["nonsense"] },
        Breach("too many addresses") { $0.addresses = Array(repeating: "10.0.0.1:1", count: 33) },
        Breach("too many models") { record in
            record.models = (0..<513).map { index in .with { $0.modelID = "m\(index)" } }
        },
        Breach("the same model twice") { $0.models += $0.models },
        Breach("path as model id") { $0.models[0].modelID = "../../etc" },
        Breach("empty model id") { $0.models[0].modelID = "" },
        Breach("upper-case model id") { $0.models[0].modelID = "Demo" },
        Breach("shard past the end") { $0.models[0].shards = [4] },
        Breach("shard twice") { $0.models[0].shards = [1, 1] },
        Breach("shard on its way past the end") { $0.models[0].downloading = [4] },
        Breach("terminal escape in a hub file") { $0.models[0].hubSource.file = "\u{1B}[2J.gguf" },
        Breach("overlong hub repository") { $0.models[0].hubSource.repository = String(repeating: "x", count: 257) },
        Breach("overlong region") { $0.region = String(repeating: "x", count: 65) },
        Breach("demand for a path") { $0.demand = [.with { $0.modelID = "../x" }] },
        Breach("absurd shard count") { $0.models[0].shardCount = .max },
        Breach("absurd layer count") { $0.models[0].layerCount = .max },
        Breach("layers past the end") { $0.models[0].layers = [.with { $0.end = 9 }] },
        Breach("empty layer range") { $0.models[0].layers = [.with { $0.end = 0 }] },
        Breach("backward window") { record in
            record.models[0].loadedWindows = [
                .with {
                    $0.first = 5
                    $0.end = 3
                }
            ]
        },
        Breach("infinite time per layer") { $0.models[0].millisecondsPerLayer = .infinity },
        Breach("no number as time per layer") { $0.models[0].millisecondsPerLayer = .nan },
        Breach("negative time per layer") { $0.models[0].millisecondsPerLayer = -1 },
        Breach("absurd size") { $0.models[0].totalBytes = .max },
        Breach("absurd memory") { $0.hardware.memoryBytes = .max },
        Breach("link to no node") { $0.links = [.with { $0.nodeID = Data([1, 2]) }] },
        Breach("negative link") { record in
            record.links = [
                .with {
                    $0.nodeID = Data(repeating: 1, count: 32)
                    $0.roundTripMilliseconds = -1
                }
            ]
        },
        Breach("too many links") { record in
            record.links = Array(repeating: .with { $0.nodeID = Data(repeating: 1, count: 32) }, count: 257)
        },
        Breach("too large") { record in
            record.models = (0..<400).map { index in
                .with {
                    $0.modelID = "model-\(index)"
                    $0.name = String(repeating: "x", count: 200)
                }
            }
        },
    ]

    @Test("What a record has no room for is left out, what is loaded last, and what is too long is clipped")
    func fitting() throws {
        var record = Self.plain()
        record.nickname = "attic\u{1B}[2J" + String(repeating: "ü", count: 1_000_000)
        record.hardware.processor = String(repeating: "x", count: 1000)
        record.addresses = Array(repeating: "192.168.1.5:8801", count: 40)
        record.models = (0..<700).map { index in
            .with {
                $0.modelID = "model-\(index)"
                $0.name = index % 10 == 0 ? String(repeating: "long\u{7}", count: 300_000) : "Model \(index)"
                $0.shardCount = 1
                $0.layerCount = 2
                if index == 699 { $0.loadedWindows = [.with { $0.end = 2 }] }
            }
        }
        record.models[3].modelID = "Not An Id"
        record.models[4].modelID = "model-5"
        #expect(throws: SwarmError.self) { try SignedNodeRecord(signing: record, identity: Self.identity, now: now) }
        let signed = try SignedNodeRecord(
            signing: RecordRules.fitted(record), identity: Self.identity, now: now)
        let fitted = try SignedNodeRecord(checking: signed.envelope, now: now).record
        #expect(fitted.nickname == "attic[2J" + String(repeating: "ü", count: 60))
        #expect(fitted.models.first?.id.rawValue == "model-699")
        #expect(fitted.models.count > 400 && fitted.models.count <= 512)
        #expect(fitted.omittedModels == 700 - fitted.models.count)
        #expect(!RecordRules.fitted(record).models.contains { $0.modelID == "Not An Id" })
        #expect(fitted.models[1].name.hasPrefix("longlong") && fitted.models[1].name.utf8.count == 256)
    }

    @Test("A record fits whatever its texts and models are", arguments: 0..<40 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func text(_ most: Int) -> String {
            String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...most, using: &random)).compactMap { _ in
                        Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &random))
                    }))
        }
        var record = Self.plain()
        record.nickname = text(400)
        record.version = text(100)
        record.region = text(100)
        record.hardware.gpu = text(400)
        record.models = (0..<Int.random(in: 0...900, using: &random)).map { index in
            .with {
                $0.modelID = Bool.random(using: &random) ? "m-\(index)" : text(8)
                $0.name = text(400)
                $0.architecture = text(90)
                $0.shardCount = UInt32.random(in: 0...2000, using: &random)
                $0.shards = (0..<UInt32.random(in: 0...500, using: &random)).map { $0 }
                $0.layerCount = UInt32.random(in: 0...5000, using: &random)
                $0.layers = [.with { $0.end = UInt32.random(in: 0...5000, using: &random) }]
            }
        }
        let fitted = RecordRules.fitted(record)
        let signed = try SignedNodeRecord(signing: fitted, identity: Self.identity, now: now)
        #expect(try SignedNodeRecord(checking: signed.envelope, now: now).record == signed.record)
        #expect(fitted.models.count + Int(fitted.omittedModels) == record.models.count)
    }

    @Test("A record that breaks a rule is refused by its own node and by others", arguments: breaches)
    func breach(_ breach: Breach) throws {
        var record = Self.plain()
        breach.change(&record)
        #expect(throws: SwarmError.self) { try SignedNodeRecord(signing: record, identity: Self.identity, now: now) }
        let bytes: [UInt8] = try record.serializedBytes()
        let envelope = RecordEnvelope(
            record: Data(bytes),
            signature: Data(try Self.identity.sign(Array("shoal-node-record-v1".utf8) + bytes)))
        let error = #expect(throws: SwarmError.self) { try SignedNodeRecord(checking: envelope, now: now) }
        #expect(error?.code == .badRecord)
    }
}
