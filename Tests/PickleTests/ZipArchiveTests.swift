import Bytes
import Pickle
import Testing

@Suite("Reading zip archives in only one way")
struct ZipArchiveTests {
    /// An archive that is refused, and why.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: PickleError.Code
        let bytes: [UInt8]

        init(_ testDescription: String, _ code: PickleError.Code, _ damage: (inout ZipBytes) -> Void) {
            self.testDescription = testDescription
            self.code = code
            var zip = ZipBytes.checkpoint(P.dictionary())
            damage(&zip)
            bytes = zip.bytes
        }
    }

    private static let evil = P.proto(2) + P.global("os", "system") + P.text("true") + P.tuple1 + P.op("R.")

    static let damages: [Damage] = [
        Damage("a pickle before the archive", .forbiddenGlobal) { $0.before = evil },
        Damage("a byte before the first member, with a header's signature", .ambiguousArchive) {
            $0.before = [0x50, 0x4B, 3, 4]
        },
        Damage("a pickle after the archive", .ambiguousArchive) { $0.after = evil },
        Damage("a comment", .ambiguousArchive) { $0.comment = evil },
        Damage("a pickle between the members and the directory", .ambiguousArchive) { $0.beforeDirectory = evil },
        Damage("a directory that begins elsewhere", .ambiguousArchive) { $0.offsetError = -1 },
        Damage("a directory said to be longer", .ambiguousArchive) { $0.sizeError = 1 },
        Damage("a directory said to be shorter", .ambiguousArchive) { $0.sizeError = -1 },
        Damage("an entry that is not counted", .ambiguousArchive) { $0.countError = -1 },
        Damage("an entry too many counted", .truncated) { $0.countError = 1 },
        Damage("an entry listed twice", .ambiguousArchive) { $0.repeated = 0 },
        Damage("a member twice", .ambiguousArchive) { $0.members.append(.init("archive/data.pkl", evil)) },
        Damage("a member twice, in another case", .ambiguousArchive) {
            $0.members.append(.init("archive/DATA.pkl", evil))
        },
        Damage("another name in the member's header", .ambiguousArchive) {
            $0.members[0].localName = "archive/data.pkm"
        },
        Damage("another size in the member's header", .ambiguousArchive) { $0.members[0].localSize = 5 },
        Damage("a smaller size in the directory", .ambiguousArchive) { $0.members[0].sizeInDirectory = 5 },
        Damage("a larger size in the directory", .ambiguousArchive) { $0.members[0].sizeInDirectory = 5000 },
        Damage("a size of all ones without a wide one", .ambiguousArchive) { $0.members[0].sizeInDirectory = .max },
        Damage("a wrong checksum", .ambiguousArchive) { $0.members[2].checksum = 1 },
        Damage("an encrypted member", .ambiguousArchive) { $0.members[0].flags = 1 },
        Damage("masked headers", .ambiguousArchive) { $0.members[0].flags = 0x2000 },
        Damage("sizes promised after the data that are not there", .ambiguousArchive) { $0.members[0].flags = 8 },
        Damage("a compressed member", .unsupported) { $0.members[0].method = 8 },
        Damage("an unknown method", .unsupported) { $0.members[0].method = 99 },
        Damage("an extra field of an unknown kind", .malformed) { $0.members[0].extra = [0x75, 0x70, 1, 0, 0] },
        Damage("an extra field that is cut off", .malformed) { $0.members[0].extra = [0x46, 0x42, 9, 0, 0] },
        Damage("a wide size that nothing asks for", .ambiguousArchive) {
            $0.members[0].extra = [1, 0, 8, 0] + [UInt8](repeating: 0, count: 8)
        },
        Damage("no members", .unsupported) { $0.members = [] },
        Damage("a name with ..", .malformed) { $0.members[3].name = "archive/../version" },
        Damage("an absolute name", .malformed) { $0.members[3].name = "/archive/version" },
        Damage("a name with a backslash", .malformed) { $0.members[3].name = "archive\\version" },
        Damage("a drive letter", .malformed) { $0.members[3].name = "C:/version" },
        Damage("a folder as a member", .malformed) { $0.members[3].name = "archive/version/" },
        Damage("an empty name", .malformed) { $0.members[3].name = "" },
        Damage("a name with a NUL", .malformed) { $0.members[3].name = "archive/version\0" },
        Damage("a name that is not ASCII", .malformed) { $0.members[3].name = "archive/versi\u{F6}n" },
        Damage("a second folder", .malformed) { $0.members[3].name = "other/version" },
        Damage("a member outside of the folder", .malformed) { $0.members[3].name = "version" },
        Damage("a member that torch.save does not write", .malformed) { $0.members[3].name = "archive/readme" },
        Damage("a storage that no tensor uses", .malformed) { $0.members[3].name = "archive/data/7" },
        Damage("no data.pkl", .malformed) { $0.members.removeFirst() },
        Damage("no storage", .badStorage) { $0.members.remove(at: 2) },
        Damage("a shorter storage", .badStorage) { $0.members[2].data.removeLast() },
        Damage("a longer storage", .badStorage) { $0.members[2].data.append(0) },
        Damage("a pickle after the pickle", .malformed) { $0.members[0].data += evil },
        Damage("big-endian storages", .malformed) { $0.members[1].data = Array("big".utf8) },
        Damage("a pickle as the version", .malformed) { $0.members[3].data = evil },
        Damage("a long version", .malformed) { $0.members[3].data = [UInt8](repeating: 0x33, count: 65) },
        Damage("TorchScript", .malformed) {
            $0.members.append(.init("archive/constants.pkl", P.proto(2) + P.op("N.")))
        },
    ]

    @Test("Archives that other readers might read differently are refused", arguments: damages)
    func damaged(_ damage: Damage) throws {
        let error = #expect(throws: PickleError.self) { try TorchCheckpoint(reading: MemorySource(damage.bytes)) }
        #expect(error?.code == damage.code, "\(error?.description ?? "")")
    }

    @Test("Members come with their bytes, and their checksums hold")
    func members() throws {
        let data = (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        let zip = ZipBytes([.init("a/one", [1, 2, 3]), .init("a/none", []), .init("a/many", data)])
        let source = MemorySource(zip.bytes)
        let archive = try ZipArchive(reading: source)
        try archive.checkSums(in: source)
        #expect(archive.members.map(\.name) == ["a/one", "a/none", "a/many"])
        #expect(archive.members.map(\.range.count) == [3, 0, data.count])
        #expect(try source.bytes(at: archive.members[2].range.lowerBound, count: data.count) == data)
    }

    @Test("A single changed byte anywhere is seen or changes nothing that is told")
    func everyByte() throws {
        let original = ZipBytes.checkpoint(P.dictionary()).bytes
        let members = try ZipArchive(reading: MemorySource(original)).members
        for place in original.indices {
            var bytes = original
            bytes[place] ^= 0x41
            guard let archive = try? ZipArchive(reading: MemorySource(bytes)),
                (try? archive.checkSums(in: MemorySource(bytes))) != nil
            else { continue }
            #expect(archive.members == members, "byte \(place)")
        }
    }
}
