import Bytes
import Pickle
import Safetensors
import ShoalTestSupport
import Testing

@Suite("Reading checkpoints made by hand")
struct TorchCheckpointTests {
    @Test("A zip and a legacy file of the same tensors tell the same")
    func both() throws {
        let zip = ZipBytes.checkpoint(P.dictionary()).bytes
        let archive = try TorchCheckpoint(reading: MemorySource(zip))
        #expect(archive.container == .zip)
        #expect(
            zip[Int(archive.storageRanges[0].lowerBound)..<Int(archive.storageRanges[0].upperBound)].allSatisfy {
                $0 == 1
            })
        let row = P.legacy(P.dictionary(isLegacy: true))
        let legacy = try TorchCheckpoint(reading: MemorySource(row))
        #expect(legacy.container == .legacy)
        #expect(legacy.storageRanges == [UInt64(row.count - 24)..<UInt64(row.count)])
        #expect(try legacy.summary.namedTensors() == archive.summary.namedTensors())
    }

    @Test(
        "A hostile pickle is refused as an archive's data.pkl and as a legacy file's object",
        arguments: HostilePickle.all)
    func hostile(_ pickle: HostilePickle) throws {
        let inArchive = #expect(throws: PickleError.self) {
            try TorchCheckpoint(reading: MemorySource(ZipBytes.checkpoint(pickle.bytes).bytes))
        }
        #expect(inArchive?.member == "archive/data.pkl")
        #expect(throws: PickleError.self) { try TorchCheckpoint(reading: MemorySource(P.legacy(pickle.bytes))) }
    }

    @Test("A hostile pickle under any other name in the archive is refused", arguments: HostilePickle.all)
    func hidden(_ pickle: HostilePickle) throws {
        for name in ["archive/notes.txt", "archive/weights.safetensors", "archive/data/picture", "archive/version.pkl"]
        {
            var zip = ZipBytes.checkpoint(P.dictionary())
            zip.members.append(.init(name, pickle.bytes))
            #expect(throws: PickleError.self) { try TorchCheckpoint(reading: MemorySource(zip.bytes)) }
        }
    }

    @Test("A storage that is a pickle of something forbidden is refused; one that only begins like a pickle is not")
    func storages() throws {
        func read(_ start: [UInt8]) throws -> TorchCheckpoint.Container {
            let storage = start + [UInt8](repeating: 0, count: 24 - start.count)
            return try TorchCheckpoint(
                reading: MemorySource(ZipBytes.checkpoint(P.dictionary(), storage: storage).bytes)
            ).container
        }
        for start in [P.proto(2) + P.global("os", "system"), P.proto(4) + P.op("N0ios\nsystem\n")] {
            let error = #expect(throws: PickleError.self) { try read(start) }
            #expect(error?.code == .forbiddenGlobal)
            #expect(error?.member == "archive/data/0")
        }
        for start in [
            P.global("os", "system"), P.op("ios\nsystem\n"), P.op("K?Q"), P.op("N)b"), P.proto(2) + P.op("N)b"),
            P.proto(2), P.proto(4), P.proto(2) + [0x63, 0xFF, 0x0A, 0x80, 0x0A], P.proto(2) + P.op("N."), [0x82, 1],
        ] {
            #expect(try read(start) == .zip)
        }
    }

    @Test("What random numbers a storage holds does not matter", arguments: [7, 8] as [UInt64])
    func randomStorages(_ seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        func storages(_ count: Int) -> [[UInt8]] {
            (0..<count).map { _ in (0..<4).flatMap { _ in P.eight(generator.next()) } }
        }
        /// A pickle that refers to storages of eight floats and keeps none.
        func pickle(_ count: Int) -> [UInt8] {
            var bytes = P.proto(2) + P.global("torch", "FloatStorage") + P.put(0)
            bytes += P.text("storage") + P.put(1) + P.text("cpu") + P.put(2) + P.op("000")
            for key in 0..<count {
                bytes += P.op("(") + P.get(1) + P.get(0) + P.text("\(key)") + P.get(2) + P.int(8) + P.op("tQ0")
            }
            return bytes + P.op("}.")
        }
        let row = storages(50_000)
        let legacy = P.legacy(
            pickle(row.count), keys: row.indices.map(String.init), tail: row.flatMap { P.eight(8) + $0 })
        #expect(try TorchCheckpoint(reading: MemorySource(legacy)).storageRanges.count == row.count, "seed \(seed)")
        var zip = ZipBytes([.init("archive/data.pkl", pickle(2000))])
        zip.members += storages(2000).enumerated().map { .init("archive/data/\($0)", $1) }
        #expect(try TorchCheckpoint(reading: MemorySource(zip.bytes)).storageRanges.count == 2000, "seed \(seed)")
    }

    @Test("Legacy files whose pickles or storages do not add up are refused")
    func legacyFaults() throws {
        let good = P.dictionary(isLegacy: true)
        let evil = P.proto(2) + P.global("os", "system") + P.text("true") + P.tuple1 + P.op("R.")
        let whole = P.legacy(good)
        let faults: [[UInt8]] = [
            // Only the first pickles are harmless.
            P.legacy(good, tail: evil), Array(whole.dropLast(24 + 8)) + evil, evil + whole,
            whole + [0], whole + evil, Array(whole.dropLast()), Array(whole.dropLast(25)), Array(whole.dropFirst()),
            P.legacy(good, keys: []), P.legacy(good, keys: ["0", "0"]), P.legacy(good, keys: ["1"]),
            P.legacy(good, keys: ["0", "1"]),
            P.legacy(P.dictionary(isLegacy: true), tail: [7, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 28)),
            P.legacy(good, tail: [UInt8](repeating: 0xFF, count: 32)), good, P.proto(2) + P.op("N."), [0x80], [],
            P.legacy(evil), Array("not a checkpoint".utf8), [UInt8](repeating: 0, count: 1024),
        ]
        for (number, bytes) in faults.enumerated() {
            #expect(throws: PickleError.self, "fault \(number)") { try TorchCheckpoint(reading: MemorySource(bytes)) }
        }
    }

    @Test("The system information of a legacy file is exactly what torch.save writes")
    func systems() throws {
        func read(_ system: [UInt8]) throws -> TorchCheckpoint.Container {
            try TorchCheckpoint(reading: MemorySource(P.legacy(P.dictionary(isLegacy: true), system: system))).container
        }
        #expect(try read(P.system()) == .legacy)
        let pair = P.text("x") + P.int(1)
        for system in [
            P.system(endian: P.no), P.system(endian: P.int(1)), P.system(short: 3), P.system(extra: pair),
            P.system(extra: P.text("little_endian") + [0x88]), P.op("}"), P.op("}(") + pair + P.op("u"), P.int(1),
            P.op("(") + pair + P.op("t"), P.system(extra: P.int(1) + P.int(1)),
            P.bytes([UInt8](repeating: 0, count: 600)) + P.op("0") + P.system(),
        ] {
            #expect(throws: PickleError.self) { try read(system) }
        }
    }

    @Test("Texts and constants that another file could lie in are refused")
    func longTexts() throws {
        let long = String(repeating: "t", count: PickleLimits.defaults.textBytes)
        for (value, isRead) in [
            (P.text(long), true), (P.text(long + "t"), false), (P.bytes(Array(long.utf8)), true),
            (P.bytes(Array((long + "t").utf8)), false), (P.op("V\(long.dropLast())\n"), true),
            (P.op("V\(long)t\n"), false), (P.op("S'\(long)'\n"), false),
        ] {
            let bytes = P.legacy(P.dictionary(value, isLegacy: true))
            #expect(((try? TorchCheckpoint(reading: MemorySource(bytes))) != nil) == isRead)
        }
    }

    @Test("A file that could be a tar file is refused, whatever stands around the digits of its checksum")
    func tar() throws {
        let legacy = P.legacy(P.dictionary(P.text(String(repeating: "t", count: 600)), isLegacy: true))
        let archive = ZipBytes.checkpoint(P.dictionary(P.text(String(repeating: "t", count: 600)))).bytes
        for bytes in [legacy, archive] {
            func refused(_ place: Int, _ field: [UInt8]) -> PickleError.Code? {
                do {
                    _ = try TorchCheckpoint(reading: MemorySource(bytes.replacing(at: place, with: field)))
                    return nil
                } catch {
                    return (error as? PickleError)?.code
                }
            }
            #expect((try? TorchCheckpoint(reading: MemorySource(bytes))) != nil)
            #expect(refused(257, Array("ustar".utf8)) == .secondFormat)
            let others = bytes[..<148] + bytes[156..<512]
            for sum in [
                256 + others.reduce(0) { $0 + Int($1) }, 256 + others.reduce(0) { $0 + Int(Int8(bitPattern: $1)) },
            ] {
                let digits = String(sum, radix: 8)
                for field in [
                    digits, "0o\(digits)", "0O\(digits)", "+\(digits)", " \(digits) ", "\(digits)\0", "0_\(digits)",
                ] {
                    #expect(refused(148, Array(field.utf8.prefix(8))) == .secondFormat, "\(field)")
                }
                #expect(refused(148, [0x80, 0, 0, 0, 0, 0, UInt8(sum >> 8), UInt8(sum & 0xFF)]) == .secondFormat)
                // Another number is none.
                #expect(refused(148, Array("0o\(String(sum + 9, radix: 8))".utf8.prefix(8))) != .secondFormat)
            }
        }
    }

    @Test("An archive's padding is PyTorch's")
    func padding() throws {
        func read(_ extra: [UInt8]) throws -> TorchCheckpoint.Container {
            var zip = ZipBytes.checkpoint(P.dictionary())
            zip.members[0].extra = extra
            return try TorchCheckpoint(reading: MemorySource(zip.bytes)).container
        }
        #expect(try read([0x46, 0x42, 3, 0] + Array("ZZZ".utf8)) == .zip)
        for filler in ["ZZz", "\0\0\0", "cos"] {
            #expect(throws: PickleError.self) { try read([0x46, 0x42, 3, 0] + Array(filler.utf8)) }
        }
    }

    @Test("A legacy file with an end record of a zip archive where readers look for one is refused")
    func zipTail() throws {
        for distance in [22, 23, 1000, 22 + 65_535, 22 + 65_536, 69_000] {
            var tail = [UInt8](repeating: 0, count: 70_000)
            tail.replaceSubrange(tail.count - distance..<tail.count - distance + 4, with: [0x50, 0x4B, 5, 6])
            let pickle =
                P.proto(2) + P.op("}") + P.text("w") + P.global("torch._utils", "_rebuild_tensor_v2") + P.op("((")
                + P.text("storage") + P.global("torch", "ByteStorage") + P.text("0") + P.text("cpu")
                + [0x4A, 0x70, 0x11, 1, 0] + P.op("NtQ") + P.int(0) + P.op("(") + P.int(1) + P.op("t(") + P.int(1)
                + P.op("t") + P.no + P.hooks + P.op("tRs") + P.stop
            let bytes = P.legacy(pickle, tail: P.eight(70_000) + tail)
            let error = #expect(throws: PickleError.self) { try TorchCheckpoint(reading: MemorySource(bytes)) }
            #expect(error?.code == .secondFormat, "\(distance): \(error?.message ?? "")")
        }
    }

    @Test("Of honest safetensors files none is taken for another format", arguments: [11, 12] as [UInt64])
    func honest(_ seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        for round in 0..<2000 {
            let names = [
                "lora_unet_down_blocks", "attn1.to_q", "text_model.encoder", "lora_up.weight", "alpha", "V", "c", "oc",
            ]
            var header = "{"
            var offset = 0
            for tensor in 0..<Int(generator.next() % 40 + 1) {
                let name = (0..<3).map { _ in names[Int(generator.next() % UInt64(names.count))] }.joined(
                    separator: ".")
                let size = Int(generator.next() % 500) * 2
                let entry = "{\"dtype\":\"F16\",\"shape\":[\(size / 2)],\"data_offsets\":[\(offset),\(offset + size)]}"
                header += "\(tensor == 0 ? "" : ",")\"\(name).\(tensor)\":\(entry)"
                offset += size
            }
            header += "}" + String(repeating: " ", count: Int(generator.next() % 8))
            var bytes = P.eight(UInt64(header.utf8.count)) + Array(header.utf8)
            for _ in 0..<offset { bytes.append(UInt8(truncatingIfNeeded: generator.next())) }
            let source = MemorySource(bytes)
            #expect(throws: Never.self, "seed \(seed), round \(round)") {
                _ = try SafetensorsHeader(reading: source)
                try SecondFormat.refuse(inSafetensors: source)
            }
        }
    }

    @Test("Damaged archives give a checkpoint that is true or a typed error", arguments: [5, 6] as [UInt64])
    func fuzz(_ seed: UInt64) throws {
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        let originals = [ZipBytes.checkpoint(P.dictionary()).bytes, P.legacy(P.dictionary(isLegacy: true))]
        var accepted = 0
        for round in 0..<8000 {
            let bytes = mutator.damaged(originals[round % 2])
            do {
                let checkpoint = try TorchCheckpoint(reading: MemorySource(bytes))
                accepted += 1
                for (storage, range) in zip(checkpoint.summary.storages, checkpoint.storageRanges) {
                    #expect(UInt64(range.count) == storage.byteCount, "seed \(seed)")
                    #expect(range.upperBound <= UInt64(bytes.count), "seed \(seed)")
                }
            } catch is PickleError {
                continue
            }
        }
        #expect((50..<7000).contains(accepted), "seed \(seed)")
    }
}

extension [UInt8] {
    func replacing(at place: Int, with bytes: [UInt8]) -> [UInt8] {
        var changed = self
        changed.replaceSubrange(place..<place + bytes.count, with: bytes)
        return changed
    }
}
