/// Cuts bytes into lines, as they come and in bounded memory.
struct LineSplitter: Sendable {
    /// Most bytes of a line; what goes beyond is left out.
    static let maximumBytes = 65_536

    private var line: [UInt8] = []
    private var leftOut = 0

    /// The lines that these bytes complete, without their ends (`\n` or `\r\n`); what is not UTF-8 is repaired.
    mutating func lines(adding bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == 0x0A {
                lines.append(take())
            } else if line.count < Self.maximumBytes {
                line.append(byte)
            } else {
                leftOut += 1
            }
        }
        return lines
    }

    /// The last line, where the bytes did not end with one.
    mutating func rest() -> String? { line.isEmpty ? nil : take() }

    private mutating func take() -> String {
        defer {
            line.removeAll(keepingCapacity: true)
            leftOut = 0
        }
        if line.last == 0x0D, leftOut == 0 { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        return leftOut == 0 ? text : "\(text)… (\(leftOut) bytes left out)"
    }
}
