package import Bytes

/// Bytes by which a reader of another kind would take a file for one of its own.
///
/// PyTorch tries one reader after the other, Python's `zipfile` looks for its end record anywhere near the end, and a pickle may be
/// hidden in what another format takes for names. So a file that is in order as one format is refused when it could be another one
/// as well. None of the checks does what a particular parser does, which would be as good as the knowledge of its leniencies: each
/// asks for something that every such parser needs.
package enum SecondFormat {
    /// Refuses a safetensors file that is something else too.
    /// - Throws: `PickleError` of code `secondFormat`, or what `source` throws.
    package static func refuse(inSafetensors source: any ByteSource) throws {
        try refuseTar(in: source)
        try refuseZip(in: source)
        try refusePickle(in: source)
    }

    // MARK: - Tar

    /// Where a header's checksum stands.
    private static let tarChecksum = 148..<156

    /// Refuses a file that may be a tar file, which begins with a block of 512 bytes that says the sum of its bytes.
    static func refuseTar(in source: any ByteSource) throws {
        guard source.byteCount >= 512 else { return }
        let block = try source.bytes(at: 0, count: 512)
        guard looksLikeTar(block) else { return }
        throw PickleError(.secondFormat, "the file could be read as a tar file too; save it again", at: 0)
    }

    /// Whether some reader might take these 512 bytes for a tar header: by its name, or because the checksum is there.
    ///
    /// The digits of the right sum in their order are enough, whatever stands between and around them: readers differ in the
    /// prefixes, signs, separators and white space that they pass over.
    static func looksLikeTar(_ block: [UInt8]) -> Bool {
        if block[257..<262].elementsEqual("ustar".utf8) { return true }
        let field = block[tarChecksum]
        let others = block[..<tarChecksum.lowerBound] + block[tarChecksum.upperBound...]
        // The field itself counts as eight spaces; some writers added bytes with their sign.
        let sums = [
            256 + others.reduce(0) { $0 + Int($1) }, 256 + others.reduce(0) { $0 + Int(Int8(bitPattern: $1)) },
        ]
        return sums.contains { sum in
            // A first byte of 0x80 or more announces a binary number.
            if field.first! >= 0x80, field.suffix(2).elementsEqual([UInt8(sum >> 8 & 0xFF), UInt8(sum & 0xFF)]) {
                return true
            }
            var digits = String(abs(sum), radix: 8).utf8[...]
            for byte in field where byte == digits.first { digits.removeFirst() }
            return digits.isEmpty
        }
    }

    // MARK: - Zip

    /// How much of a file's end readers of zip archives go through at most: a comment has up to 65,535 bytes, and some read in blocks.
    private static let zipTailBytes: UInt64 = 128 << 10

    /// Refuses a file that may be a zip archive: one that has an end record near its end.
    static func refuseZip(in source: any ByteSource) throws {
        let count = min(source.byteCount, zipTailBytes)
        let start = source.byteCount - count
        let tail = try source.bytes(at: start, count: Int(count))
        let signature: [UInt8] = [0x50, 0x4B, 5, 6]
        var place = 0
        while let found = tail[place...].firstIndex(of: signature[0]) {
            guard !tail[found...].starts(with: signature) else {
                throw PickleError(
                    .secondFormat, "the file could be read as a zip archive too; save it again",
                    at: start + UInt64(found))
            }
            place = found + 1
        }
    }

    // MARK: - Pickle

    /// Most opcodes that what is no pickle may look like by chance.
    private static let pickleOpcodes = 10_000

    /// Passes over the line of an opcode.
    ///
    /// - Returns: whether any machine might take it: the lines of numbers have no other characters than numbers can have, in any
    ///   spelling, and those of quoted texts have quotes.
    private static func skipLine(of opcode: PickleOpcode, _ cursor: inout PickleCursor) throws -> Bool {
        let characters: [UInt8]
        switch opcode {
        case .int, .long, .get, .put: characters = Array("0123456789+-_ \t\r\u{0B}\u{0C}lLxXoObBabcdefABCDEF".utf8)
        case .float: characters = Array("0123456789+-_. \t\r\u{0B}\u{0C}eEinfatyINFATY".utf8)
        case .string:
            let quote = try cursor.byte()
            guard [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: " ")].contains(quote) else { return false }
            try cursor.skipLine()
            return true
        default:
            try cursor.skipLine()
            return true
        }
        while true {
            let byte = try cursor.byte()
            if byte == UInt8(ascii: "\n") { return true }
            // Machines that are written in C read up to it.
            if byte == 0 {
                try cursor.skipLine()
                return true
            }
            guard characters.contains(byte) else { return false }
        }
    }

    /// Goes through the file's bytes as opcodes, one pickle after the other, and refuses those that name something.
    ///
    /// Nothing is done with the opcodes: whether a machine would fail on the way is not asked, so that this sees at least what any
    /// machine does. A function or class has to be named to be used.
    private static func refusePickle(in source: any ByteSource) throws {
        var cursor = PickleCursor(source: source, range: 0..<source.byteCount)
        func refused(at offset: UInt64) -> PickleError {
            PickleError(.secondFormat, "the file could be read as a pickle too; save it again", at: offset)
        }
        for number in 0..<pickleOpcodes {
            let offset = cursor.offset
            guard cursor.remaining > 0, let opcode = PickleOpcode(rawValue: try cursor.byte()) else { return }
            do {
                switch opcode.argument {
                case .bytes(let count):
                    if opcode == .stackGlobal {
                        // It needs two values, which take two opcodes at least.
                        guard number >= 2 else { return }
                        throw refused(at: offset)
                    }
                    try cursor.skip(UInt64(count))
                case .counted(let count): try cursor.skip(try cursor.number(count))
                case .line:
                    // A name that refers to something elsewhere is of no use to a reader that was not told what it means.
                    guard opcode != .persID else { return }
                    guard try Self.skipLine(of: opcode, &cursor) else { return }
                case .names:
                    let module = try cursor.line(maximumBytes: PickleLimits.defaults.lineBytes)
                    let name = try cursor.line(maximumBytes: PickleLimits.defaults.lineBytes)
                    guard !PickleGlobal.couldBe(module: module, name: name) else { throw refused(at: offset) }
                }
            } catch let error as PickleError where error.code != .secondFormat {
                // Cut off, or a name that is none.
                return
            }
        }
        throw refused(at: 0)
    }
}

extension PickleOpcode {
    /// What follows an opcode in the pickle. Source: `Lib/pickletools.py` of CPython 3.13.
    enum Argument: Hashable, Sendable {
        /// So many bytes.
        case bytes(Int)
        /// A little-endian length of so many bytes, and as much as it says.
        case counted(Int)
        case line
        /// Two lines: a module, and what is in it.
        case names
    }

    var argument: Argument {
        switch self {
        case .int, .long, .float, .string, .unicode, .get, .put, .persID: .line
        case .global, .inst: .names
        case .long1, .shortBinString, .shortBinBytes, .shortBinUnicode: .counted(1)
        case .long4, .binString, .binBytes, .binUnicode: .counted(4)
        case .binBytes8, .byteArray8, .binUnicode8: .counted(8)
        case .binInt1, .binGet, .binPut, .ext1, .proto: .bytes(1)
        case .binInt2, .ext2: .bytes(2)
        case .binInt, .longBinGet, .longBinPut, .ext4: .bytes(4)
        case .binFloat, .frame: .bytes(8)
        default: .bytes(0)
        }
    }
}
