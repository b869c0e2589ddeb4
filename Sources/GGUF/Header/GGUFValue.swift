import Bytes

/// Type number of a metadata value (`enum gguf_type` in gguf.h).
package enum GGUFValueType: UInt32, Hashable, Sendable, CaseIterable {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// Bytes of one value; nil for strings and arrays, whose length varies.
    package var fixedBytes: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .string, .array: nil
        }
    }
}

/// One metadata value.
package enum GGUFValue: Sendable {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)

    package var type: GGUFValueType {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        case .string: .string
        case .array: .array
        case .uint64: .uint64
        case .int64: .int64
        case .float64: .float64
        }
    }

    /// Any integer type's value; nil for other types and for what does not fit.
    package var integer: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(value)
        default: nil
        }
    }

    /// Any number's value as a floating-point number.
    package var number: Double? {
        switch self {
        case .float32(let value): Double(value)
        case .float64(let value): value
        default: integer.map(Double.init)
        }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var array: GGUFArray? {
        if case .array(let value) = self { value } else { nil }
    }
}

extension GGUFValue: CustomStringConvertible {
    package var description: String {
        switch self {
        case .string(let value): value
        case .bool(let value): String(value)
        case .float32(let value): String(value)
        case .float64(let value): String(value)
        case .array(let value): "\(value.elementType)[\(value.count)]"
        default: integer.map(String.init) ?? "\(self.type)"
        }
    }
}

/// An array of metadata values, kept in its encoded form.
///
/// A vocabulary has hundreds of thousands of strings, so arrays of files stay on disk and are decoded when asked for.
package struct GGUFArray: Sendable {
    /// Where the encoded elements are.
    enum Storage: Sendable {
        case memory([UInt8])
        case source(any ByteSource, offset: UInt64, byteCount: Int)
    }

    package let elementType: GGUFValueType
    package let count: Int
    let storage: Storage

    init(elementType: GGUFValueType, count: Int, storage: Storage) {
        self.elementType = elementType
        self.count = count
        self.storage = storage
    }

    /// Makes an array of `elements`.
    /// - Throws: `GGUFError` of code `malformed` where one of them is not of `elementType`.
    package init(elementType: GGUFValueType, elements: [GGUFValue]) throws {
        var encoder = GGUFEncoder()
        for element in elements {
            guard element.type == elementType else {
                throw GGUFError(.malformed, "an array of \(elementType) cannot hold a value of type \(element.type)")
            }
            try encoder.append(element)
        }
        self.init(elementType: elementType, count: elements.count, storage: .memory(encoder.bytes))
    }

    package init(_ values: [Int32]) { self.init(.int32, values) { $0.append($1) } }
    package init(_ values: [UInt32]) { self.init(.uint32, values) { $0.append($1) } }
    package init(_ values: [Float]) { self.init(.float32, values) { $0.append($1.bitPattern) } }
    package init(_ values: [Bool]) { self.init(.bool, values) { $0.append($1 ? UInt8(1) : 0) } }
    package init(_ values: [String]) { self.init(.string, values) { $0.append($1) } }

    private init<Element>(
        _ type: GGUFValueType, _ values: [Element], _ append: (inout GGUFEncoder, Element) -> Void
    ) {
        var encoder = GGUFEncoder()
        for value in values { append(&encoder, value) }
        self.init(elementType: type, count: values.count, storage: .memory(encoder.bytes))
    }

    /// Bytes that the elements take in the file.
    package var encodedByteCount: Int {
        switch storage {
        case .memory(let bytes): bytes.count
        case .source(_, _, let byteCount): byteCount
        }
    }

    /// The elements as the file has them: little-endian, strings with 64-bit lengths.
    package func encodedBytes() throws -> [UInt8] {
        switch storage {
        case .memory(let bytes): bytes
        case .source(let source, let offset, let byteCount):
            try GGUFError.naming { try source.bytes(at: offset, count: byteCount) }
        }
    }

    /// All elements, decoded.
    package func elements() throws -> [GGUFValue] {
        let bytes = try encodedBytes()
        var cursor = GGUFCursor(source: MemorySource(bytes))
        var values: [GGUFValue] = []
        values.reserveCapacity(min(count, bytes.count))
        for _ in 0..<count {
            values.append(try cursor.value(of: elementType, field: "array", depth: 1))
        }
        return values
    }

    /// The elements as strings; nil where they are none.
    package func strings() throws -> [String]? {
        elementType == .string ? try elements().compactMap(\.string) : nil
    }

    /// The elements as whole numbers; nil where they are none.
    package func integers() throws -> [Int]? {
        let values = try elements().compactMap(\.integer)
        return values.count == count ? values : nil
    }

    /// The elements as numbers; nil where they are none.
    package func numbers() throws -> [Double]? {
        let values = try elements().compactMap(\.number)
        return values.count == count ? values : nil
    }

    /// The elements at `indices`, as a new array of the same type.
    /// - Precondition: `indices` lies within the array.
    package func slice(_ indices: Range<Int>) throws -> GGUFArray {
        try GGUFArray(elementType: elementType, elements: Array(elements()[indices]))
    }
}
