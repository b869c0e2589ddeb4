/// Makes keys of the bytes that a terminal sends: UTF-8, control characters, and the escape sequences of ECMA-48 and xterm.
struct KeyReader {
    enum Key: Hashable {
        case character(Character)
        /// Text that was pasted, line breaks and all.
        case paste(String)
        case enter, backspace, delete, left, right, up, down, home, end, wordLeft, wordRight
        case killToEnd, killToStart, killWord, clearScreen, interrupt, endOfInput
    }

    private enum State {
        case plain
        /// The bytes so far of a character of so many.
        case character([UInt8], count: Int)
        case escape
        /// What follows `ESC [` or `ESC O`.
        case sequence([UInt8])
        /// What has been pasted so far; of what is too long, the end alone.
        case pasted([UInt8], isTooLong: Bool)
    }

    /// Longest escape sequence that is waited for; what goes on longer is none.
    private static let longestSequence = 16
    /// Longest text that can be pasted at once.
    static let longestPaste = 1 << 20
    private static let pasteEnd = Array("\u{1B}[201~".utf8)

    private var state = State.plain

    /// - Returns: the key that this byte completes; nil where there is more to come, or nothing that is known.
    mutating func feed(_ byte: UInt8) -> Key? {
        switch state {
        case .plain: return plain(byte)
        case .character(var bytes, let count):
            guard byte & 0xC0 == 0x80 else {
                state = .plain
                return plain(byte)
            }
            bytes.append(byte)
            guard bytes.count == count else {
                state = .character(bytes, count: count)
                return nil
            }
            state = .plain
            return String(validating: bytes, as: UTF8.self)?.first.map(Key.character)
        case .escape:
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "O"): state = .sequence([])
            case UInt8(ascii: "b"): return ending(.wordLeft)
            case UInt8(ascii: "f"): return ending(.wordRight)
            case 0x7F: return ending(.killWord)
            case 0x1B: break
            default: state = .plain
            }
            return nil
        case .sequence(var bytes):
            bytes.append(byte)
            guard (0x40...0x7E).contains(byte) else {
                state = bytes.count < Self.longestSequence ? .sequence(bytes) : .plain
                return nil
            }
            if bytes == Array("200~".utf8) {
                state = .pasted([], isTooLong: false)
                return nil
            }
            state = .plain
            return Self.sequences[String(decoding: bytes, as: UTF8.self)]
        case .pasted(var bytes, var isTooLong):
            // Not held twice, so that it is not copied for each byte.
            state = .plain
            bytes.append(byte)
            if byte == Self.pasteEnd.last, bytes.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) {
                if isTooLong { return nil }
                return .paste(String(decoding: bytes.dropLast(Self.pasteEnd.count), as: UTF8.self))
            }
            if bytes.count > Self.longestPaste {
                bytes.removeFirst(bytes.count - Self.pasteEnd.count)
                isTooLong = true
            }
            state = .pasted(bytes, isTooLong: isTooLong)
            return nil
        }
    }

    private mutating func ending(_ key: Key) -> Key {
        state = .plain
        return key
    }

    private mutating func plain(_ byte: UInt8) -> Key? {
        switch byte {
        case 0x1B:
            state = .escape
            return nil
        case 0x20..<0x7F: return .character(Character(UnicodeScalar(byte)))
        case 0xC2..<0xE0: state = .character([byte], count: 2)
        case 0xE0..<0xF0: state = .character([byte], count: 3)
        case 0xF0..<0xF5: state = .character([byte], count: 4)
        default: return Self.controls[byte]
        }
        return nil
    }

    private static let controls: [UInt8: Key] = [
        0x01: .home, 0x02: .left, 0x03: .interrupt, 0x04: .endOfInput, 0x05: .end, 0x06: .right, 0x08: .backspace,
        0x09: .character(" "),
        0x0A: .enter, 0x0B: .killToEnd, 0x0C: .clearScreen, 0x0D: .enter, 0x0E: .down, 0x10: .up, 0x15: .killToStart,
        0x17: .killWord,
        0x7F: .backspace,
    ]

    private static let sequences: [String: Key] = [
        "A": .up, "B": .down, "C": .right, "D": .left, "H": .home, "F": .end, "1~": .home, "4~": .end, "7~": .home,
        "8~": .end,
        "3~": .delete, "1;5C": .wordRight, "1;5D": .wordLeft, "1;3C": .wordRight, "1;3D": .wordLeft,
    ]
}
