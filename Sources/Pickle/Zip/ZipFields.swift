internal import Bytes

/// Little-endian fields of a zip record, read one after the other.
struct ZipFields {
    private let bytes: [UInt8]
    private var place = 0
    /// Where the record begins in the file.
    let start: UInt64

    init(reading source: any ByteSource, at start: UInt64, count: Int) throws {
        self.start = start
        guard start <= source.byteCount, UInt64(count) <= source.byteCount - start else {
            throw PickleError(.truncated, "the archive ends inside a record", at: start)
        }
        bytes = try source.bytes(at: start, count: count)
    }

    mutating func two() -> UInt16 { UInt16(truncatingIfNeeded: number(2)) }
    mutating func four() -> UInt32 { UInt32(truncatingIfNeeded: number(4)) }
    mutating func eight() -> UInt64 { number(8) }

    private mutating func number(_ count: Int) -> UInt64 {
        defer { place += count }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * $1) }
    }
}

/// The extra fields of a record: PyTorch's padding (`FB`, filled with `Z`), and 64-bit sizes.
struct ZipExtra {
    /// The contents of the field 0x0001, if it is there.
    private(set) var wide: [UInt64]?

    init(_ bytes: [UInt8], at position: UInt64) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw PickleError(.malformed, "an extra field is cut off", at: position) }
            let words = Array(rest.prefix(4))
            let kind = UInt16(words[0]) | UInt16(words[1]) << 8
            let count = Int(words[2]) | Int(words[3]) << 8
            rest = rest.dropFirst(4)
            guard count <= rest.count else { throw PickleError(.malformed, "an extra field is cut off", at: position) }
            switch kind {
            case 0x4246 where rest.prefix(count).allSatisfy({ $0 == UInt8(ascii: "Z") }): break
            case 0x0001 where wide == nil && count.isMultiple(of: 8):
                let numbers = Array(rest.prefix(count))
                wide = stride(from: 0, to: count, by: 8).map { start in
                    (0..<8).reduce(0) { $0 | UInt64(numbers[start + $1]) << (8 * $1) }
                }
            default:
                throw PickleError(
                    .malformed, "there is an extra field of kind 0x\(String(kind, radix: 16)) as PyTorch writes none",
                    at: position)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The fields' real values: those that read as all ones are in the wide field, in their order, and nothing else is.
    func widened(_ values: [UInt32], at position: UInt64) throws -> [UInt64] {
        var wide = (wide ?? [])[...]
        let widened = values.map { $0 == .max && !wide.isEmpty ? wide.removeFirst() : UInt64($0) }
        guard wide.isEmpty, zip(values, widened).allSatisfy({ $0 != .max || $1 >= UInt64(UInt32.max) }) else {
            throw PickleError(.ambiguousArchive, "the 64-bit sizes do not go with the others", at: position)
        }
        return widened
    }
}
