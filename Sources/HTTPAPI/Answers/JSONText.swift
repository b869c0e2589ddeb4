import NIOCore

/// JSON written straight into a buffer.
///
/// Generated text goes to clients token by token; building a document for each token would cost more than sending it.
struct JSONText: Sendable {
    var buffer: ByteBuffer

    /// - Parameter capacity: bytes to make room for at once.
    init(capacity: Int = 0) {
        buffer = ByteBuffer()
        buffer.reserveCapacity(capacity)
    }

    /// Appends what is JSON already and the same each time.
    mutating func fixed(_ text: StaticString) { buffer.writeStaticString(text) }

    /// Appends what is JSON already.
    mutating func raw(_ text: String) { buffer.writeString(text) }

    /// Appends a string in quotes, escaped as RFC 8259 section 7 asks.
    mutating func string(_ text: String) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { writeEscaped($0) }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends bytes as a string; what is not UTF-8 becomes U+FFFD.
    mutating func string(_ bytes: [UInt8]) { string(String(decoding: bytes, as: UTF8.self)) }

    mutating func integer(_ value: Int) { buffer.writeString(String(value)) }

    /// Appends a number; what is not finite becomes null.
    mutating func number(_ value: Double) { buffer.writeString(value.isFinite ? "\(value)" : "null") }

    /// Appends a number; what is not finite becomes null.
    mutating func number(_ value: Float) { buffer.writeString(value.isFinite ? "\(value)" : "null") }

    /// Appends elements between brackets and commas.
    mutating func array<Element>(_ elements: some Sequence<Element>, write: (inout JSONText, Element) -> Void) {
        buffer.writeInteger(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, element)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }

    private mutating func writeEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
        var runStart = 0
        for (index, byte) in bytes.enumerated() {
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            buffer.writeBytes(bytes[runStart..<index])
            runStart = index + 1
            switch byte {
            case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
            case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
            case 0x0A: buffer.writeStaticString("\\n")
            case 0x0D: buffer.writeStaticString("\\r")
            case 0x09: buffer.writeStaticString("\\t")
            default:
                let digits = String(byte, radix: 16)
                buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
        buffer.writeBytes(bytes[runStart...])
    }
}
