import GRPCCore
import NIOCore
import SwiftProtobuf

/// How requests for bytes of shards and their answers travel: over connections of their own to the port of the swarm, by the
/// same mutual TLS as everything else, but without HTTP/2, which would cost more than TLS does.
///
/// Such a connection negotiates no protocol (ALPN), those of gRPC negotiate `h2`. It carries one request after the other.
/// A request is the length of a `FetchShardRequest` (node.proto) and the message. The answer is frames with a head of 16 bytes: the
/// number of bytes (UInt32), the part that they are in (UInt32), and where in it they begin (UInt64); then the bytes. A frame of no
/// bytes ends the answer: instead of a part it has a status code of gRPC, instead of an offset the length of a message, which
/// follows. All numbers are big-endian.
enum ShardFrames {
    static let headBytes = 16
    /// Room for as many ranges as a request may have.
    static let maximumRequestBytes = 160 << 10
    /// Bytes of a shard in one frame.
    static let maximumDataBytes = 256 << 10
    static let maximumMessageBytes = 4 << 10

    static func request(_ message: Shoal_V1_FetchShardRequest) throws -> ByteBuffer {
        let bytes: [UInt8] = try message.serializedBytes()
        var buffer = ByteBufferAllocator().buffer(capacity: 4 + bytes.count)
        buffer.writeInteger(UInt32(bytes.count))
        buffer.writeBytes(bytes)
        return buffer
    }

    /// What stands before the bytes of `chunk`.
    static func head(of chunk: ShardChunk) -> ByteBuffer {
        head(UInt32(chunk.count), chunk.part, chunk.offset)
    }

    /// The end of an answer.
    static func end(_ error: RPCError?) -> ByteBuffer {
        guard let error else { return head(0, 0, 0) }
        let message = ByteBuffer(bytes: error.message.utf8.prefix(maximumMessageBytes))
        var frame = head(0, UInt32(error.code.rawValue), UInt64(message.readableBytes))
        frame.writeImmutableBuffer(message)
        return frame
    }

    private static func head(_ count: UInt32, _ part: UInt32, _ offset: UInt64) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: headBytes)
        buffer.writeMultipleIntegers(count, part, offset)
        return buffer
    }
}

/// Reads a request as its bytes come: a pure value.
struct ShardRequestReader {
    private var held = ByteBuffer()

    /// Takes bytes.
    /// - Returns: the request, as soon as all of it came.
    /// - Throws: `RPCError` for what is no request, also where more comes than one.
    mutating func read(_ bytes: ByteBuffer) throws(RPCError) -> Shoal_V1_FetchShardRequest? {
        held.writeImmutableBuffer(bytes)
        guard let count = held.getInteger(at: held.readerIndex, as: UInt32.self).map(Int.init) else { return nil }
        guard (1...ShardFrames.maximumRequestBytes).contains(count) else {
            throw RPCError(code: .invalidArgument, message: "a request of \(count) bytes")
        }
        guard held.readableBytes >= 4 + count else { return nil }
        guard held.readableBytes == 4 + count else {
            throw RPCError(code: .invalidArgument, message: "more than one request at once")
        }
        defer { held = ByteBuffer() }
        let message = held.readableBytesView.dropFirst(4)
        do {
            return try Shoal_V1_FetchShardRequest(serializedBytes: Array(message))
        } catch {
            throw RPCError(code: .invalidArgument, message: "a malformed request", cause: error)
        }
    }
}

/// Reads an answer as its bytes come: a pure value.
struct ShardAnswerReader {
    enum Event {
        case chunk(ShardChunk)
        /// Nothing more comes; why not all of it came.
        case end(RPCError?)
    }

    private enum Place {
        case head
        case data(part: UInt32, offset: UInt64, count: Int)
        case message(code: Int, count: Int)
    }

    private var place = Place.head
    /// What came of a head or of a message.
    private var held = ByteBuffer()

    /// Whether an answer begins here.
    var isAtStart: Bool {
        if case .head = place { held.readableBytes == 0 } else { false }
    }

    /// What `bytes` hold next, which is taken from them; `nil` where more has to come. Bytes of a shard are handed on as they come,
    /// not only when their frame is whole.
    ///
    /// - Throws: `RPCError` for what is no answer.
    mutating func next(_ bytes: inout ByteBuffer) throws(RPCError) -> Event? {
        while true {
            switch place {
            case .head:
                guard hold(ShardFrames.headBytes, of: &bytes),
                    let (count, part, offset) = held.readMultipleIntegers(as: (UInt32, UInt32, UInt64).self)
                else { return nil }
                held.clear()
                guard count <= ShardFrames.maximumDataBytes else { throw malformed("a piece of \(count) bytes") }
                if count > 0 {
                    place = .data(part: part, offset: offset, count: Int(count))
                } else {
                    guard offset <= ShardFrames.maximumMessageBytes else {
                        throw malformed("a message of \(offset) bytes")
                    }
                    place = .message(code: Int(part), count: Int(offset))
                }
            case .data(let part, let offset, let count):
                guard bytes.readableBytes > 0,
                    let piece = bytes.readSlice(length: min(count, bytes.readableBytes))
                else { return nil }
                let got = piece.readableBytes
                place = got == count ? .head : .data(part: part, offset: offset &+ UInt64(got), count: count - got)
                return .chunk(ShardChunk(part: part, offset: offset, bytes: piece))
            case .message(let code, let count):
                guard hold(count, of: &bytes) else { return nil }
                place = .head
                let text = String(buffer: held)
                held.clear()
                guard code != 0 else { return .end(nil) }
                guard let status = Status.Code(rawValue: code), let error = RPCError.Code(status) else {
                    throw malformed("a status \(code)")
                }
                return .end(RPCError(code: error, message: text))
            }
        }
    }

    /// Moves bytes to what is held, until that are so many.
    private mutating func hold(_ count: Int, of bytes: inout ByteBuffer) -> Bool {
        if var some = bytes.readSlice(length: min(count - held.readableBytes, bytes.readableBytes)) {
            held.writeBuffer(&some)
        }
        return held.readableBytes == count
    }

    private func malformed(_ what: String) -> RPCError {
        RPCError(code: .internalError, message: what)
    }
}
