/// Cuts bytes into lines, as they come and in bounded memory.
struct LineSplitter: Sendable {
    /// Most bytes of a line; what goes beyond is left out.
    static let maximumBytes = 65_536

    private var line: [UInt8] = []
    private var leftOut = 0

    /// The lines that these bytes complete, without their ends (`\n` or `\r\n`); what is not UTF-8 is repaired.
    mutating func lines<Bytes: Collection<UInt8>>(adding bytes: Bytes) -> [String] {
        var lines: [String] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            keep(rest[..<end])
            lines.append(take())
            rest = rest[rest.index(after: end)...]
        }
        keep(rest)
        return lines
    }

    private mutating func keep(_ bytes: some Collection<UInt8>) {
        let room = Self.maximumBytes - line.count
        line.append(contentsOf: bytes.prefix(room))
        leftOut += max(0, bytes.count - room)
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
