import GRPCCore

/// What stands before the bytes of a message's last field, in the encoding of protocol buffers
/// (<https://protobuf.dev/programming-guides/encoding>).
struct ProtobufHead {
    private(set) var bytes: [UInt8] = []

    /// Appends an integer; zero is left out, as proto3 asks.
    mutating func append(_ value: UInt64, field: UInt64) {
        guard value != 0 else { return }
        varint(field << 3 | ProtobufReader.WireType.varint)
        varint(value)
    }

    /// Appends what stands before so many bytes; nothing where there are none.
    mutating func append(lengthOf count: Int, field: UInt64) {
        guard count > 0 else { return }
        varint(field << 3 | ProtobufReader.WireType.bytes)
        varint(UInt64(count))
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads the fields of a message one after the other.
struct ProtobufReader {
    fileprivate enum WireType {
        static let varint: UInt64 = 0
        static let eightBytes: UInt64 = 1
        static let bytes: UInt64 = 2
        static let fourBytes: UInt64 = 5
    }

    enum Value: Equatable {
        case integer(UInt64)
        /// Where in the message the bytes are.
        case bytes(Range<Int>)
        /// A value of fixed length.
        case fixed
    }

    private let message: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter message: stays valid for as long as it is read.
    init(_ message: UnsafeRawBufferPointer) {
        self.message = message
    }

    /// The next field; nil at the end.
    ///
    /// - Throws: `RPCError` where the message is malformed. Groups, which proto3 does not have, are malformed too.
    mutating func next() throws(RPCError) -> (number: UInt64, value: Value)? {
        guard position < message.count else { return nil }
        let tag = try varint()
        guard (1...0x1FFF_FFFF).contains(tag >> 3) else { throw malformed("a field has the number \(tag >> 3)") }
        let value: Value
        switch tag & 7 {
        case WireType.varint: value = .integer(try varint())
        case WireType.eightBytes:
            _ = try take(8)
            value = .fixed
        case WireType.fourBytes:
            _ = try take(4)
            value = .fixed
        case WireType.bytes: value = .bytes(try take(varint()))
        default: throw malformed("a field has the wire type \(tag & 7)")
        }
        return (tag >> 3, value)
    }

    private mutating func take(_ count: UInt64) throws(RPCError) -> Range<Int> {
        guard count <= UInt64(message.count - position) else { throw malformed("a field ends past the message") }
        let start = position
        position += Int(count)
        return start..<position
    }

    private mutating func varint() throws(RPCError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < message.count else { throw malformed("it ends within a number") }
            let byte = message[position]
            position += 1
            // Of the tenth byte only one bit has room.
            guard shift < 63 || byte < 2 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw malformed("a number has more than 64 bits")
    }

    private func malformed(_ what: String) -> RPCError {
        RPCError(code: .invalidArgument, message: "the message cannot be read: \(what)")
    }
}
