/// Zip archives by hand, right or damaged in one place.
struct ZipBytes {
    struct Member {
        var name: String
        var data: [UInt8]
        var localName: String?
        var flags: UInt16 = 0
        var method: UInt16 = 0
        var checksum: UInt32?
        var sizeInDirectory: UInt32?
        var localSize: UInt32?
        var extra: [UInt8] = []

        init(_ name: String, _ data: [UInt8]) {
            self.name = name
            self.data = data
        }
    }

    var members: [Member]
    var before: [UInt8] = []
    var beforeDirectory: [UInt8] = []
    var after: [UInt8] = []
    var comment: [UInt8] = []
    /// Added to the directory's offset, size and count in the end record.
    var offsetError = 0
    var sizeError = 0
    var countError = 0
    /// Listed twice in the directory.
    var repeated: Int?

    init(_ members: [Member]) { self.members = members }

    /// A checkpoint with `pickle` and one storage of 24 bytes.
    static func checkpoint(_ pickle: [UInt8], storage: [UInt8] = [UInt8](repeating: 1, count: 24)) -> ZipBytes {
        ZipBytes([
            Member("archive/data.pkl", pickle), Member("archive/byteorder", Array("little".utf8)),
            Member("archive/data/0", storage), Member("archive/version", Array("3\n".utf8)),
        ])
    }

    var bytes: [UInt8] {
        var file = before
        var directory: [[UInt8]] = []
        for member in members {
            let checksum = member.checksum ?? Self.crc32(member.data)
            let size = UInt32(member.data.count)
            let shared = Self.two(member.flags) + Self.two(member.method) + [0, 0, 0, 0] + Self.four(checksum)
            let offset = UInt32(file.count)
            let localName = Array((member.localName ?? member.name).utf8)
            let localSize = Self.four(member.localSize ?? size)
            file += [0x50, 0x4B, 3, 4, 20, 0] + shared + localSize + localSize
            file += Self.two(UInt16(localName.count)) + Self.two(UInt16(member.extra.count)) + localName + member.extra
            file += member.data
            let listed = Self.four(member.sizeInDirectory ?? size)
            let name = Array(member.name.utf8)
            let middle = Self.two(UInt16(name.count)) + [UInt8](repeating: 0, count: 12) + Self.four(offset) + name
            directory.append([0x50, 0x4B, 1, 2, 20, 0, 20, 0] + shared + listed + listed + middle)
        }
        if let repeated { directory.append(directory[repeated]) }
        file += beforeDirectory
        let offset = file.count
        let list = directory.flatMap { $0 }
        let count = Self.two(UInt16(directory.count + countError))
        file += list + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count
        file += Self.four(UInt32(list.count + sizeError)) + Self.four(UInt32(offset + offsetError))
        return file + Self.two(UInt16(comment.count)) + comment + after
    }

    private static func two(_ number: UInt16) -> [UInt8] {
        (0..<2).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    private static func four(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// Bit by bit, so that it shares nothing with what is tested.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { state, byte in
            (0..<8).reduce(state ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }
}
