import Adapters
import Crypto
import Foundation
import Store
import Testing

@Suite("The library of LoRA files")
struct LoRALibraryTests {
    @Test("An upload is a file of its type with the bytes that came, and known by its hash after a restart")
    func upload() async throws {
        try await withLoRAs { fixture in
            let bytes = LoRAFixture.safetensors(count: 1_234_567)
            let stored = try await fixture.open(now: 4000).add(bytes, as: "My LoRA.safetensors", type: .identities)
            #expect(stored.file.path.description == "identities/My_LoRA.safetensors")
            #expect(stored.file.fullPath == fixture.root + "/models/loras/identities/My_LoRA.safetensors")
            #expect(stored.file.sizeBytes == UInt64(bytes.count))
            #expect(stored.file.added == Date(timeIntervalSince1970: 4000))
            #expect(stored.sameAs == nil)
            #expect(try Data(contentsOf: URL(filePath: stored.file.fullPath)) == Data(bytes))
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
            // Nothing else has its size.
            #expect(stored.file.sha256 == nil)
            let library = try fixture.open()
            let again = try await library.add(bytes, as: "other.safetensors", type: .styles)
            #expect(again.sameAs == stored.file.path)
            #expect(again.file.sha256?.count == 64)
            #expect(try await library.file(stored.file.path)?.sha256 == again.file.sha256)
            let third = try await library.add(bytes.dropLast() + [9], as: "third.safetensors")
            #expect(third.sameAs == nil)
            #expect(third.file.sha256 != again.file.sha256)
        }
    }

    @Test("Hashes are taken after files have come, of those that an earlier process left too")
    func hashes() async throws {
        try await withLoRAs { fixture in
            let bytes = LoRAFixture.safetensors(count: 300_000)
            let early = try await fixture.open().add(bytes, as: "early.safetensors").file.path
            let library = try fixture.open()
            let keeping = Task {
                await library.keepHashes { _, error in Issue.record(error) }
            }
            defer { keeping.cancel() }
            let late = try await library.add(LoRAFixture.safetensors(2, count: 70), as: "late.safetensors").file.path
            let gone = try await library.add(LoRAFixture.safetensors(3, count: 71), as: "gone.safetensors").file.path
            _ = try await library.delete(gone)
            var hashes: [String?] = []
            let deadline = ContinuousClock.now + .seconds(30)
            repeat {
                hashes = [try await library.file(early)?.sha256, try await library.file(late)?.sha256]
                await Task.yield()
            } while hashes.contains(nil) && .now < deadline
            #expect(hashes.map { $0?.count } == [64, 64])
            #expect(hashes[0] == SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            let restored = try await library.restore(gone)
            #expect(restored.path == gone)
        }
    }

    @Test("Fifty uploads of one name at once get fifty names, each once")
    func versions() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            try await library.add(LoRAFixture.safetensors(0))
            let stored = try await withThrowingTaskGroup(of: (UInt8, StoredLoRA).self) { group in
                for number in 1...49 {
                    let byte = UInt8(number)
                    group.addTask { (byte, try await library.add(LoRAFixture.safetensors(byte))) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let names = Set(stored.map(\.1.file.path.name.description))
            #expect(names == Set((2...50).map { "my_v\($0).safetensors" }))
            for (byte, stored) in stored {
                #expect(try Data(contentsOf: URL(filePath: stored.file.fullPath)).last == byte)
            }
            #expect(try await library.files(of: .styles).elements.count == 50)
            #expect(try fixture.names("models/loras/styles").count == 50)
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
        }
    }

    @Test("Without versions, of uploads of one name at once one is kept")
    func unversioned() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let codes = await withTaskGroup(of: AdapterError.Code?.self) { group in
                for number in 1...20 {
                    group.addTask {
                        await code { try await library.add(LoRAFixture.safetensors(UInt8(number)), versioned: false) }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == nil }.count == 1)
            #expect(codes.filter { $0 == .nameTaken }.count == 19)
            #expect(try fixture.names("models/loras/styles") == ["my.safetensors"])
        }
    }

    @Test("A long name keeps its length and extension with a version")
    func longVersions() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let name = String(repeating: "n", count: 200) + ".pt.safetensors"
            for _ in 0..<3 { try await library.add(LoRAFixture.safetensors(), as: name) }
            let names = try fixture.names("models/loras/styles")
            #expect(names.count == 3)
            #expect(names.allSatisfy { $0.utf8.count == 128 && $0.hasSuffix(".safetensors") })
        }
    }

    @Test("One byte more than allowed is refused, and nothing is left of it")
    func tooLarge() async throws {
        try await withLoRAs { fixture in
            let bytes = LoRAFixture.safetensors(count: 5000)
            let library = try fixture.open(maximumFileBytes: UInt64(bytes.count))
            try await library.add(bytes)
            #expect(await code { try await library.add(bytes + [0]) } == .tooLarge)
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
            #expect(try fixture.names("models/loras/styles") == ["my.safetensors"])
            #expect(LoRALibrary.maximumFileBytes == 500 << 20)
        }
    }

    @Test("What the name promises and the content does not keep is refused and never visible")
    func content() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let good = LoRAFixture.safetensors()
            let evil =
                Array("\u{80}".unicodeScalars.map { UInt8($0.value) }) + [2] + Array("cos\nsystem\n(S'true'\ntR.".utf8)
            let uploads: [(String, [UInt8])] = [
                ("a.safetensors", []), ("a.safetensors", good.dropLast()), ("a.safetensors", good + [0]),
                ("a.pt", good),
                ("a.ckpt", evil), ("a.bin", evil), ("a.pth", Array("PK".utf8)), ("a.pt", []), ("a.safetensors", evil),
            ]
            for (name, bytes) in uploads {
                #expect(
                    await code { try await library.add(bytes, as: name) } == .badContent,
                    "\(name), \(bytes.count) bytes")
            }
            #expect(try fixture.names("models/loras/styles").isEmpty)
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
        }
    }

    @Test("A plain checkpoint is taken in")
    func checkpoint() async throws {
        try await withLoRAs { fixture in
            // The five pickles of an older checkpoint of an empty dictionary.
            let bytes = TorchBytes.beginning + [0x80, 2, 0x7D, 0x2E] + [0x80, 2, 0x5D, 0x2E]
            let stored = try await fixture.open().add(bytes, as: "a.pt", type: .none)
            #expect(stored.file.path.description == "no_type_provided/a.pt")
        }
    }

    @Test("An upload that is given up, or let go, leaves nothing")
    func cancelled() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let upload = try await library.beginUpload(in: library.room())
            try upload.append([1, 2, 3])
            #expect(upload.byteCount == 3)
            #expect(try fixture.names("models/loras/.incoming").count == 1)
            upload.cancel()
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
            #expect(await code { try upload.append([1]) } == .uploadEnded)
            let name = try LoRAFileName(safe: "a.pt")
            #expect(await code { _ = try await library.finish(upload, as: name, type: .none) } == .uploadEnded)
            do { try await library.beginUpload(in: library.room()).append([1]) }
            #expect(try fixture.names("models/loras/.incoming").isEmpty)
        }
    }

    @Test("Opening removes what a killed process left, and nothing that is still coming in")
    func leftovers() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let upload = try await library.beginUpload(in: library.room())
            let bytes = LoRAFixture.safetensors()
            try upload.append(bytes)
            try Data([1]).write(to: URL(filePath: fixture.incoming + "/left"))
            _ = try fixture.open()
            #expect(try fixture.names("models/loras/.incoming").count == 1)
            let stored = try await library.finish(upload, as: LoRAFileName(safe: "a.safetensors"), type: .none)
            #expect(stored.file.sizeBytes == UInt64(bytes.count))
        }
    }

    @Test("Lists come in parts, in order, without what is no LoRA file")
    func lists() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            for type in [LoRAType.styles, .clothes] {
                for name in ["c.safetensors", "a.safetensors", "b.safetensors"] {
                    try await library.add(LoRAFixture.safetensors(), as: name, type: type)
                }
            }
            let folder = fixture.root + "/models/loras/styles"
            try Data().write(to: URL(filePath: folder + "/by hand.safetensors"))
            try Data().write(to: URL(filePath: folder + "/.hidden.pt"))
            try Data([1, 2]).write(to: URL(filePath: folder + "/hand.pt"))
            try FileManager.default.createDirectory(atPath: folder + "/folder.pt", withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: folder + "/link.pt", withDestinationPath: "/etc/passwd")
            let all =
                ["clothes/a", "clothes/b", "clothes/c", "styles/a", "styles/b", "styles/c"].map { $0 + ".safetensors" }
                + ["styles/hand.pt"]
            var found: [String] = []
            var after: LoRAPath?
            repeat {
                let page = try await library.files(after: after, limit: 3)
                #expect(page.elements.count <= 3)
                found += page.elements.map(\.path.description)
                after = page.next
            } while after != nil
            #expect(found == all)
            #expect(try await library.files(of: .clothes).elements.count == 3)
            let byHand = try await library.file(LoRAPath(partialPath: "styles/hand.pt"))
            #expect(byHand?.sizeBytes == 2)
            #expect(byHand?.sha256 == nil)
            for name in ["styles/link.pt", "styles/folder.pt", "styles/none.pt"] {
                #expect(await code { _ = try await library.delete(LoRAPath(partialPath: name)) } == .notFound)
            }
            #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
        }
    }

    @Test("Deleted files lie in the bin, come back, and go for good when it is purged")
    func bin() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open(now: 2000)
            let stored = try await library.add(LoRAFixture.safetensors(7))
            let path = stored.file.path
            let deleted = try await library.delete(path)
            #expect(deleted.fullPath == fixture.root + "/bin/models/loras/styles/my.safetensors")
            #expect(deleted.original == path)
            #expect(deleted.deleted == Date(timeIntervalSince1970: 2000))
            #expect(deleted.sha256 == stored.file.sha256)
            #expect(try fixture.names("models/loras/styles").isEmpty)
            #expect(await code { _ = try await library.delete(path) } == .notFound)

            // Another of the same name goes to the bin beside it.
            try await library.add(LoRAFixture.safetensors(8))
            let second = try await library.delete(path)
            #expect(second.path.description == "styles/my_v2.safetensors")
            #expect(second.original == path)
            #expect(try await library.deletedFiles().elements.map(\.path) == [deleted.path, second.path])

            let restored = try await library.restore(deleted.path)
            #expect(restored == stored.file)
            #expect(await code { _ = try await library.restore(second.path) } == .nameTaken)
            let other = try await library.restore(second.path, versioned: true)
            #expect(other.path.description == "styles/my_v2.safetensors")
            #expect(try Data(contentsOf: URL(filePath: other.fullPath)).last == 8)
            #expect(try await library.deletedFiles().elements.isEmpty)

            _ = try await library.delete(other.path)
            _ = try await library.delete(path)
            try await library.purge(path)
            #expect(await code { try await library.purge(path) } == .notFound)
            #expect(try await library.purgeAll() == 1)
            #expect(try fixture.names("bin/models/loras/styles").isEmpty)
            #expect(await code { _ = try await library.restore(path) } == .notFound)
        }
    }

    @Test("A file put in the place of another by hand does not have the other's hash")
    func replaced() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let bytes = LoRAFixture.safetensors(1)
            let stored = try await library.add(bytes)
            try Data(LoRAFixture.safetensors(2)).write(to: URL(filePath: stored.file.fullPath))
            #expect(try await library.file(stored.file.path)?.sha256 == nil)
            #expect(try await library.add(bytes).sameAs == nil)
        }
    }

    @Test("Of many deletes of one file at once, one does it, and an upload of the name loses nothing")
    func deletes() async throws {
        try await withLoRAs { fixture in
            let library = try fixture.open()
            let path = try await library.add(LoRAFixture.safetensors(1)).file.path
            let codes = await withTaskGroup(of: AdapterError.Code?.self) { group in
                for _ in 0..<20 { group.addTask { await code { _ = try await library.delete(path) } } }
                group.addTask { await code { try await library.add(LoRAFixture.safetensors(2)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let deleted = try await library.deletedFiles().elements
            let kept = try await library.files().elements
            #expect(codes.filter { $0 == .notFound }.count == 20 - deleted.count)
            #expect(codes.allSatisfy { $0 == nil || $0 == .notFound })
            let last = try (deleted.map(\.fullPath) + kept.map(\.fullPath)).map {
                try Data(contentsOf: URL(filePath: $0)).last
            }
            #expect(Set(last) == [1, 2])
            #expect(last.count == 2)
        }
    }
}
