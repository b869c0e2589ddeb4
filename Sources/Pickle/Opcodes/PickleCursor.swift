internal import Bytes

/// Reads a pickle's bytes in order through a small buffer.
struct PickleCursor {
    private static let chunkBytes = 64 * 1024

    private let source: any ByteSource
    /// Where the bytes end that may belong to the pickle.
    let end: UInt64
    private var buffer: [UInt8] = []
    private var bufferStart: UInt64
    private var place = 0

    init(source: any ByteSource, range: Range<UInt64>) {
        self.source = source
        self.end = range.upperBound
        self.bufferStart = range.lowerBound
    }

    /// Position in the file, in bytes.
    var offset: UInt64 { bufferStart + UInt64(place) }

    /// Length of the file that the pickle lies in.
    var sourceBytes: UInt64 { source.byteCount }

    var remaining: UInt64 { end - offset }

    mutating func byte() throws -> UInt8 {
        if place == buffer.count {
            bufferStart = offset
            place = 0
            buffer = try source.bytes(at: bufferStart, count: Int(min(end - bufferStart, UInt64(Self.chunkBytes))))
            guard !buffer.isEmpty else { throw PickleError(.truncated, "the pickle ends before its STOP", at: offset) }
        }
        defer { place += 1 }
        return buffer[place]
    }

    /// A little-endian number of `count` bytes, at most 8.
    mutating func number(_ count: Int) throws -> UInt64 {
        var number: UInt64 = 0
        for index in 0..<count { number |= UInt64(try byte()) << (8 * index) }
        return number
    }

    mutating func bytes(_ count: UInt64) throws -> [UInt8] {
        try check(count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count))
        for _ in 0..<count { bytes.append(try byte()) }
        return bytes
    }

    mutating func skip(_ count: UInt64) throws {
        try check(count)
        if count <= UInt64(buffer.count - place) {
            place += Int(count)
        } else {
            bufferStart = offset + count
            buffer = []
            place = 0
        }
    }

    private func check(_ count: UInt64) throws {
        guard count <= remaining else {
            throw PickleError(.truncated, "an opcode claims \(count) bytes where \(remaining) are left", at: offset)
        }
    }

    /// Bytes up to the next line break, which is read too.
    mutating func line(maximumBytes: Int) throws -> [UInt8] {
        let start = offset
        var bytes: [UInt8] = []
        while true {
            let byte = try byte()
            if byte == UInt8(ascii: "\n") { return bytes }
            guard bytes.count < maximumBytes else {
                throw PickleError(.tooLarge, "a line of text is longer than \(maximumBytes) bytes", at: start)
            }
            bytes.append(byte)
        }
    }

    /// Passes over bytes up to the next line break, and that.
    mutating func skipLine() throws {
        while try byte() != UInt8(ascii: "\n") {}
    }
}
