import GRPCCore
import GRPCNIOTransportHTTP2

/// Bytes of a shard as they travel: a `ShardChunk` of node.proto, written and read without generated code.
///
/// Generated code copies the bytes twice on each side. Here they are read from the file into the message itself, and used
/// out of the message that came.
package struct ShardChunk: Sendable {
    /// The numbers of the fields in node.proto.
    fileprivate enum Field {
        static let part: UInt64 = 1
        static let offset: UInt64 = 2
        static let data: UInt64 = 3
    }

    /// The part of the model that the bytes are in.
    package private(set) var part: UInt32 = 0
    /// Where in the part they begin.
    package private(set) var offset: UInt64 = 0
    /// The whole message, and where in it the bytes are.
    fileprivate let message: GRPCNIOTransportBytes
    private var place: Range<Int> = 0..<0

    /// - Parameters:
    ///   - count: how many bytes there are.
    ///   - fill: writes every one of them.
    /// - Throws: what `fill` throws.
    package init(
        part: UInt32, offset: UInt64, count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        var head = ProtobufHead()
        head.append(UInt64(part), field: Field.part)
        head.append(offset, field: Field.offset)
        head.append(lengthOf: count, field: Field.data)
        var message = GRPCNIOTransportBytes(repeating: 0, count: head.bytes.count + count)
        try message.withUnsafeMutableBytes { bytes in
            bytes.copyBytes(from: head.bytes)
            try fill(UnsafeMutableRawBufferPointer(rebasing: bytes[head.bytes.count...]))
        }
        self.part = part
        self.offset = offset
        self.message = message
        place = head.bytes.count..<head.bytes.count + count
    }

    /// - Throws: `RPCError` where that is no such message.
    fileprivate init(_ message: GRPCNIOTransportBytes) throws {
        self.message = message
        let fields = try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var found = (part: UInt32(0), offset: UInt64(0), place: 0..<0)
            while let field = try reader.next() {
                // Of a field that comes twice the last one counts, and what is not known is left out.
                switch (field.number, field.value) {
                case (Field.part, .integer(let value)): found.part = UInt32(truncatingIfNeeded: value)
                case (Field.offset, .integer(let value)): found.offset = value
                case (Field.data, .bytes(let place)): found.place = place
                default: break
                }
            }
            return found
        }
        (part, offset, place) = (fields.part, fields.offset, fields.place)
    }

    /// How many bytes there are.
    package var count: Int { place.count }

    /// Calls `body` with the bytes, which are gone after it.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try message.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[place])) }
    }
}

/// Writes and reads a ``ShardChunk`` for gRPC.
struct ShardChunkCoding: MessageSerializer, MessageDeserializer {
    typealias Message = ShardChunk

    func serialize<Bytes: GRPCContiguousBytes>(_ chunk: ShardChunk) throws -> Bytes {
        // It is written already, and for this transport.
        if let message = chunk.message as? Bytes { return message }
        return chunk.message.withUnsafeBytes { Bytes($0) }
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ message: Bytes) throws -> ShardChunk {
        if let message = message as? GRPCNIOTransportBytes { return try ShardChunk(message) }
        return try ShardChunk(message.withUnsafeBytes { GRPCNIOTransportBytes($0) })
    }
}
