import Bytes

/// Reads a header field by field through a buffer, checking every length against what is left of the file before it
/// allocates anything.
struct GGUFCursor {
    /// Bytes fetched at once.
    private static let chunkBytes = 256 * 1024
    /// Longest name of a metadata key or tensor that is read, in bytes (the specification's limit for keys).
    static let maximumNameBytes = 65_535
    /// Longest text that is read: tokenizers that are kept as a whole file take some 30 MB.
    static let maximumTextBytes = 64 << 20
    /// Bytes of a file that may be header: vocabularies of a million tokens take some 50 MB.
    static let maximumHeaderBytes: UInt64 = 256 << 20

    let source: any ByteSource
    /// Bytes of the file that may belong to the header.
    let end: UInt64
    /// Position in the file, in bytes.
    private(set) var offset: UInt64 = 0
    private var buffer: [UInt8] = []
    private var bufferStart: UInt64 = 0

    init(source: any ByteSource) {
        self.source = source
        self.end = min(source.byteCount, Self.maximumHeaderBytes)
    }

    /// Bytes between the position and the end of what may be header.
    var remaining: UInt64 { end - offset }

    /// The fault of what reaches past that end.
    private func past(_ code: GGUFError.Code, _ message: String, _ name: String, at position: UInt64) -> GGUFError {
        guard end < source.byteCount else { return GGUFError(code, message, field: name, at: position) }
        return GGUFError(
            .tooLarge, "\(name) reaches past \(Self.maximumHeaderBytes) bytes, the most that a header may have",
            field: name, at: position)
    }

    // MARK: Bytes

    /// Makes the next `count` bytes lie in `buffer`; returns where they start.
    private mutating func fetch(_ count: Int, field: @autoclosure () -> String) throws -> Int {
        if offset >= bufferStart, offset - bufferStart <= UInt64(buffer.count) {
            let start = Int(offset - bufferStart)
            if buffer.count - start >= count { return start }
        }
        guard UInt64(count) <= remaining else {
            let name = field()
            throw past(.truncated, "the file ends inside \(name); fetch it again", name, at: offset)
        }
        let wanted = Int(min(remaining, UInt64(max(count, Self.chunkBytes))))
        let source = self.source
        let position = offset
        buffer = try [UInt8](unsafeUninitializedCapacity: wanted) { memory, initialized in
            let raw = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(memory)[..<wanted])
            initialized = try GGUFError.naming { try source.read(at: position, into: raw) }
        }
        bufferStart = offset
        guard buffer.count >= count else {
            let name = field()
            throw GGUFError(.truncated, "the file ends inside \(name); fetch it again", field: name, at: offset)
        }
        return 0
    }

    mutating func integer<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self, field: @autoclosure () -> String
    ) throws -> Number {
        let size = MemoryLayout<Number>.size
        let start = try fetch(size, field: field())
        let number = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Number.self) }
        offset += UInt64(size)
        return Number(littleEndian: number)
    }

    /// Moves past `count` bytes.
    mutating func skip(_ count: UInt64, field: @autoclosure () -> String) throws {
        guard count <= remaining else {
            let name = field()
            throw past(
                .pastEnd, "\(name) claims \(count) bytes where \(remaining) are left; fetch the file again", name,
                at: offset)
        }
        offset += count
    }

    /// A text's length, checked against what is left of the file.
    private mutating func textLength(field: @autoclosure () -> String) throws -> Int {
        let start = offset
        let length = try integer(UInt64.self, field: field())
        guard length <= remaining else {
            let name = field()
            throw past(
                .pastEnd, "\(name) claims \(length) bytes where \(remaining) are left; fetch the file again", name,
                at: start)
        }
        guard length <= Self.maximumTextBytes else {
            let name = field()
            throw GGUFError(
                .tooLarge, "\(name) has a text of \(length) bytes; \(Self.maximumTextBytes) are the most", field: name,
                at: start)
        }
        return Int(length)
    }

    /// A text with its 64-bit length before it. Bytes that are no UTF-8 are repaired.
    mutating func text(field: @autoclosure () -> String) throws -> String {
        let length = try textLength(field: field())
        let start = try fetch(length, field: field())
        let text = String(decoding: buffer[start..<start + length], as: UTF8.self)
        offset += UInt64(length)
        return text
    }

    /// A key's or tensor's name: UTF-8, 1 to `maximumNameBytes` bytes, no NUL.
    mutating func name(field: @autoclosure () -> String) throws -> String {
        let position = offset
        let length = try textLength(field: field())
        guard length > 0, length <= Self.maximumNameBytes else {
            let name = field()
            throw GGUFError(.malformed, "\(name) has \(length) bytes", field: name, at: position)
        }
        let start = try fetch(length, field: field())
        guard let text = String(validating: buffer[start..<start + length], as: UTF8.self), !text.utf8.contains(0)
        else {
            let name = field()
            throw GGUFError(.malformed, "\(name) is no UTF-8 text", field: name, at: position)
        }
        offset += UInt64(length)
        return text
    }

    // MARK: Values

    mutating func valueType(field: @autoclosure () -> String) throws -> GGUFValueType {
        let position = offset
        let number = try integer(UInt32.self, field: field())
        guard let type = GGUFValueType(rawValue: number) else {
            let name = field()
            throw GGUFError(.malformed, "\(name) has the unknown value type \(number)", field: name, at: position)
        }
        return type
    }

    /// A value of `type`. `depth` is the number of arrays it lies in.
    mutating func value(of type: GGUFValueType, field: @autoclosure () -> String, depth: Int) throws -> GGUFValue {
        switch type {
        case .uint8: .uint8(try integer(field: field()))
        case .int8: .int8(try integer(field: field()))
        case .uint16: .uint16(try integer(field: field()))
        case .int16: .int16(try integer(field: field()))
        case .uint32: .uint32(try integer(field: field()))
        case .int32: .int32(try integer(field: field()))
        case .uint64: .uint64(try integer(field: field()))
        case .int64: .int64(try integer(field: field()))
        case .float32: .float32(Float(bitPattern: try integer(field: field())))
        case .float64: .float64(Double(bitPattern: try integer(field: field())))
        case .bool: .bool(try flag(field: field()))
        case .string: .string(try text(field: field()))
        case .array: .array(try array(field: field(), depth: depth + 1))
        }
    }

    private mutating func flag(field: @autoclosure () -> String) throws -> Bool {
        let position = offset
        let byte = try integer(UInt8.self, field: field())
        guard byte <= 1 else {
            let name = field()
            throw GGUFError(
                .malformed, "\(name) is the truth value \(byte); only 0 and 1 are", field: name, at: position)
        }
        return byte == 1
    }

    /// An array: every element is checked, none is kept. Small ones are copied, large ones stay in the file.
    private mutating func array(field: @autoclosure () -> String, depth: Int) throws -> GGUFArray {
        let (type, count) = try arrayStart(field: field(), depth: depth)
        let start = offset
        try skipElements(of: type, count: count, field: field(), depth: depth)
        let byteCount = Int(offset - start)
        guard byteCount <= GGUFHeader.largestKeptArrayBytes else {
            return GGUFArray(
                elementType: type, count: Int(count),
                storage: .source(source, offset: start, byteCount: byteCount))
        }
        offset = start
        let first = try fetch(byteCount, field: field())
        offset = start + UInt64(byteCount)
        return GGUFArray(
            elementType: type, count: Int(count), storage: .memory(Array(buffer[first..<first + byteCount])))
    }

    private mutating func arrayStart(
        field: @autoclosure () -> String, depth: Int
    ) throws -> (GGUFValueType, UInt64) {
        guard depth <= GGUFHeader.maximumArrayDepth else {
            let name = field()
            throw GGUFError(
                .tooDeep, "\(name) nests arrays more than \(GGUFHeader.maximumArrayDepth) deep", field: name, at: offset
            )
        }
        let type = try valueType(field: field())
        let position = offset
        let count = try integer(UInt64.self, field: field())
        // The least that an element takes: a text's length, or a nested array's type and count.
        let least = UInt64(type.fixedBytes ?? (type == .string ? 8 : 12))
        guard count <= remaining / least else {
            let name = field()
            throw past(
                .pastEnd, "\(name) claims \(count) elements where \(remaining) bytes are left; fetch the file again",
                name, at: position)
        }
        return (type, count)
    }

    private mutating func skipElements(
        of type: GGUFValueType, count: UInt64, field: @autoclosure () -> String, depth: Int
    ) throws {
        switch type {
        case .string:
            for _ in 0..<count {
                let length = try textLength(field: field())
                try skip(UInt64(length), field: field())
            }
        case .array:
            for _ in 0..<count {
                let (inner, innerCount) = try arrayStart(field: field(), depth: depth + 1)
                try skipElements(of: inner, count: innerCount, field: field(), depth: depth + 1)
            }
        case .bool:
            for _ in 0..<count { _ = try flag(field: field()) }
        default:
            try skip(count * UInt64(type.fixedBytes ?? 0), field: field())
        }
    }
}
