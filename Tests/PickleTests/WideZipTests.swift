import GGUF
import Pickle
import Testing

/// A file of which only some pieces are not zero.
private struct SparseSource: ByteSource {
    let byteCount: UInt64
    let pieces: [(start: UInt64, bytes: [UInt8])]

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = Int(min(UInt64(buffer.count), byteCount - min(offset, byteCount)))
        for index in 0..<count {
            let place = offset + UInt64(index)
            let piece = pieces.last { $0.start <= place && place - $0.start < UInt64($0.bytes.count) }
            buffer[index] = piece.map { $0.bytes[Int(place - $0.start)] } ?? 0
        }
        return count
    }
}

@Suite("Zip archives larger than 4 GiB")
struct WideZipTests {
    private static func field(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static let ones: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]

    /// An archive of `a/big` with `size` bytes and, behind it, `a/small` with one. `wideSize` is what the directory's 64-bit field
    /// says of the first.
    private static func archive(size: UInt64, wideSize: UInt64? = nil, offsetError: UInt64 = 0) -> SparseSource {
        let fixed = [UInt8](repeating: 0, count: 8)
        let wide = [1, 0, 16, 0] + field(size, 8) + field(size, 8)
        let first =
            [0x50, 0x4B, 3, 4, 45, 0] + fixed + [0, 0, 0, 0] + ones + ones + [5, 0, 20, 0] + Array("a/big".utf8) + wide
        let firstEnd = UInt64(first.count) + size
        let second =
            [0x50, 0x4B, 3, 4, 20, 0] + fixed + [0, 0, 0, 0] + field(1, 4) + field(1, 4) + [7, 0, 0, 0]
            + Array("a/small".utf8) + [9]
        let stated = wideSize ?? size
        let tail = [UInt8](repeating: 0, count: 8)
        let directory =
            [0x50, 0x4B, 1, 2, 45, 0, 45, 0] + fixed + [0, 0, 0, 0] + ones + ones + [5, 0, 20, 0, 0, 0] + tail
            + field(0, 4) + Array("a/big".utf8) + [1, 0, 16, 0] + field(stated, 8) + field(stated, 8)
            + [0x50, 0x4B, 1, 2, 45, 0, 45, 0] + fixed + [0, 0, 0, 0] + field(1, 4) + field(1, 4) + [7, 0, 12, 0, 0, 0]
            + tail
            + ones + Array("a/small".utf8) + [1, 0, 8, 0] + field(firstEnd &+ offsetError, 8)
        let start = firstEnd + UInt64(second.count)
        let end = start + UInt64(directory.count)
        let records =
            [0x50, 0x4B, 6, 6] + field(44, 8) + [45, 0, 45, 0] + fixed + field(2, 8) + field(2, 8)
            + field(UInt64(directory.count), 8) + field(start, 8) + [0x50, 0x4B, 6, 7, 0, 0, 0, 0] + field(end, 8)
            + field(1, 4)
            + [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 2, 0, 2, 0] + field(UInt64(directory.count), 4) + ones + [0, 0]
        return SparseSource(
            byteCount: end + UInt64(records.count),
            pieces: [(0, first), (firstEnd, second), (start, directory), (end, records)])
    }

    @Test("64-bit sizes and offsets are read where the others have no room")
    func wide() throws {
        let size: UInt64 = 5 << 30
        let members = try ZipArchive(reading: Self.archive(size: size)).members
        #expect(members.map(\.name) == ["a/big", "a/small"])
        #expect(members.map { UInt64($0.range.count) } == [size, 1])
        #expect(members[1].range.lowerBound > 5 << 30)
    }

    @Test("64-bit fields that disagree, or that nothing asks for, are refused")
    func disagreeing() {
        for archive in [
            Self.archive(size: 5 << 30, wideSize: 6 << 30), Self.archive(size: 5 << 30, wideSize: 1),
            Self.archive(size: 5 << 30, wideSize: .max), Self.archive(size: 5 << 30, offsetError: 1),
            Self.archive(size: 100), Self.archive(size: 5 << 30, offsetError: .max),
        ] {
            #expect(throws: PickleError.self) { try ZipArchive(reading: archive) }
        }
    }
}
