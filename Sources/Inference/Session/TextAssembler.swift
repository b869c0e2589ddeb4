package import Generation

/// Makes whole text of sampled tokens: a pure value, fed token by token.
///
/// Bytes leave only as complete UTF-8 (what can never become complete leaves as U+FFFD), and text that may be the
/// beginning of a stop text is held back until it is decided. A token leaves with the text that holds its last byte.
package struct TextAssembler: Sendable {
    /// Text that is ready, and the tokens that it completes.
    package struct Piece: Sendable, Equatable {
        package var text: String
        package var tokens: [TokenInfo]

        package var isEmpty: Bool { text.isEmpty && tokens.isEmpty }
    }

    private struct PendingToken: Sendable {
        let info: TokenInfo
        let begin: Int
        let end: Int
    }

    /// A stop text was seen: nothing more comes, and the session may end.
    package private(set) var hasStopped = false

    private let stops: [[UInt8]]
    /// Bytes not given out yet; the first is at position `given`.
    private var buffer: [UInt8] = []
    private var given = 0
    private var pending: [PendingToken] = []
    /// Unicode scalars that begin before the end of the buffer.
    private var scalars: Int

    /// - Parameters:
    ///   - stop: Texts that end the answer; empty ones are left out.
    ///   - textOffset: Where the text begins, in Unicode scalars: after an echoed prompt, its length.
    package init(stop: [String], textOffset: Int = 0) {
        stops = stop.filter { !$0.isEmpty }.map { Array($0.utf8) }
        scalars = textOffset
    }

    /// Takes one token, and gives what is ready.
    package mutating func feed(
        token: Int32, bytes: [UInt8], logProbability: Float? = nil, top: [TokenInfo.Candidate] = []
    ) -> Piece {
        guard !hasStopped else { return Piece(text: "", tokens: []) }
        let begin = given + buffer.count
        let info = TokenInfo(
            token: token, bytes: bytes, logProbability: logProbability, top: top, textOffset: scalars)
        pending.append(PendingToken(info: info, begin: begin, end: begin + bytes.count))
        let searched = buffer.count
        buffer.append(contentsOf: bytes)
        for byte in bytes where byte & 0xC0 != 0x80 { scalars += 1 }

        if let stop = firstStop(fromBytes: searched) {
            hasStopped = true
            let piece = release(stop)
            pending.removeAll()
            buffer.removeAll()
            return piece
        }
        return release(buffer.count - max(incompleteTail, possibleStopTail))
    }

    /// Gives what was held back: the answer ends without a stop text.
    package mutating func finish() -> Piece {
        guard !hasStopped else { return Piece(text: "", tokens: []) }
        var piece = release(buffer.count)
        piece.tokens += pending.map(\.info)
        pending.removeAll()
        return piece
    }

    // MARK: - Holding back

    /// Gives the first `count` bytes of the buffer, with the tokens that end there or begin before a stop text.
    private mutating func release(_ count: Int) -> Piece {
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        buffer.removeFirst(count)
        given += count
        var tokens: [TokenInfo] = []
        let taken = pending.prefix { hasStopped ? $0.begin < given : $0.end <= given }
        if !taken.isEmpty {
            tokens = taken.map(\.info)
            pending.removeFirst(tokens.count)
        }
        return Piece(text: text, tokens: tokens)
    }

    /// Where the earliest stop text begins; only places that the newest bytes take part in are searched.
    private func firstStop(fromBytes searched: Int) -> Int? {
        var earliest: Int?
        for stop in stops where stop.count <= buffer.count {
            let begin = max(0, searched - stop.count + 1)
            let end = buffer.count - stop.count
            guard begin <= end else { continue }
            for place in begin...end where place < (earliest ?? .max) {
                if buffer[place..<(place + stop.count)].elementsEqual(stop) {
                    earliest = place
                    break
                }
            }
        }
        return earliest
    }

    /// Bytes at the end that may become a stop text.
    private var possibleStopTail: Int {
        var longest = 0
        for stop in stops {
            var length = min(stop.count - 1, buffer.count)
            while length > longest {
                if buffer[(buffer.count - length)...].elementsEqual(stop[..<length]) {
                    longest = length
                    break
                }
                length -= 1
            }
        }
        return longest
    }

    /// Bytes at the end that are the beginning of a character and may become whole (RFC 3629, section 4).
    private var incompleteTail: Int {
        var length = 1
        while length <= min(3, buffer.count) {
            let byte = buffer[buffer.count - length]
            if byte & 0xC0 == 0x80 {
                length += 1
                continue
            }
            let needed: Int
            switch byte {
            case 0xC2...0xDF: needed = 2
            case 0xE0...0xEF: needed = 3
            case 0xF0...0xF4: needed = 4
            default: return 0
            }
            return needed > length && secondByteIsPossible(after: byte, length: length) ? length : 0
        }
        return 0
    }

    private func secondByteIsPossible(after first: UInt8, length: Int) -> Bool {
        guard length > 1 else { return true }
        let second = buffer[buffer.count - length + 1]
        switch first {
        case 0xE0: return second >= 0xA0
        case 0xED: return second <= 0x9F
        case 0xF0: return second >= 0x90
        case 0xF4: return second <= 0x8F
        default: return true
        }
    }
}
