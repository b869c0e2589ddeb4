import Bytes
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Bytes as text")
struct BytesAsTextTests {
    @Test("base64url has one spelling", arguments: ["A", "AB", "AAB", "AA==", "AA=", "A+", "A/", "A A", "AAAAA", "Ä"])
    func badBase64(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("Both spellings read what they wrote, of every length", arguments: 0..<70)
    func roundTrip(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count &* 89) }
        #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        #expect([UInt8](hexadecimal: bytes.hexadecimal) == bytes)
        #expect([UInt8](hexadecimal: bytes.hexadecimal.uppercased()) == bytes)
    }

    @Test("Every byte has its two digits")
    func digits() {
        #expect((UInt8.min ... .max).hexadecimal.count == 512)
        #expect([UInt8]([0, 9, 10, 15, 16, 255]).hexadecimal == "00090a0f10ff")
    }

    @Test(
        "What is no pair of digits is none",
        arguments: ["0", "000", "0g", "g0", " 0", "0x", "+1", "-1", "é", "٣٣", "\u{0}0"])
    func badHexadecimal(text: String) {
        #expect([UInt8](hexadecimal: text) == nil)
    }
}

@Suite("Bytes of files")
struct ByteSourceTests {
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(component: "shoal-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(component: "file")
        try Data(bytes).write(to: file)
        try body(file.path())
    }

    private func code(_ body: () throws -> Void) -> ByteError.Code? {
        #expect(throws: ByteError.self, performing: body)?.code
    }

    @Test("A file and memory give the same, and nothing from past the end")
    func same() throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try withFile(bytes) { path in
            for source in [try FileSource(path: path), MemorySource(bytes)] as [any ByteSource] {
                #expect(source.byteCount == 10_000)
                let piece = try source.bytes(at: 17, count: 9000)
                #expect(piece == Array(bytes[17..<9017]))
                let none = try source.bytes(at: 10_000, count: 0)
                #expect(none.isEmpty)
                for (offset, count) in [(0, 10_001), (9_999, 2), (10_001, 0), (UInt64.max, 1), (0, -1)] {
                    #expect(code { _ = try source.bytes(at: offset, count: count) } == .pastEnd)
                }
            }
        }
    }

    @Test("What is no file, or not there, is said with its path")
    func unreadable() throws {
        try withFile([]) { path in
            let folder = String(path.dropLast("/file".count))
            for wrong in [folder, folder + "/nothing"] {
                let error = #expect(throws: ByteError.self) { _ = try FileSource(path: wrong) }
                #expect(error?.code == .unreadable)
                #expect(error.map { "\($0)".hasPrefix(wrong + ": ") } == true)
            }
        }
    }

    @Test("A file that becomes shorter is said to")
    func shorter() throws {
        try withFile([1, 2, 3, 4]) { path in
            let source = try FileSource(path: path)
            // Not atomically, and so into the same file.
            try Data([1]).write(to: URL(filePath: path))
            #expect(code { _ = try source.bytes(at: 0, count: 4) } == .pastEnd)
        }
        #expect(code { _ = try MemorySource([1], byteCount: 4).bytes(at: 0, count: 4) } == .pastEnd)
    }
}
