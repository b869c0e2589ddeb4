/// The eight words of a chaining value or of a key, as separate values so that the optimiser keeps them in registers.
///
/// A plain struct and no SIMD vector: those want more alignment than the frames of asynchronous functions give.
struct ChainingValue: Sendable {
    var w0, w1, w2, w3, w4, w5, w6, w7: UInt32

    /// The initialisation vector, which is SHA-256's.
    static let initial = ChainingValue(
        w0: 0x6A09_E667, w1: 0xBB67_AE85, w2: 0x3C6E_F372, w3: 0xA54F_F53A, w4: 0x510E_527F, w5: 0x9B05_688C,
        w6: 0x1F83_D9AB, w7: 0x5BE0_CD19
    )

    /// Takes the words out of `words(0)`…`words(7)`.
    @inline(__always)
    init(_ words: (Int) -> UInt32) {
        (w0, w1, w2, w3) = (words(0), words(1), words(2), words(3))
        (w4, w5, w6, w7) = (words(4), words(5), words(6), words(7))
    }

    @inline(__always)
    init(
        w0: UInt32, w1: UInt32, w2: UInt32, w3: UInt32, w4: UInt32, w5: UInt32, w6: UInt32, w7: UInt32
    ) {
        (self.w0, self.w1, self.w2, self.w3) = (w0, w1, w2, w3)
        (self.w4, self.w5, self.w6, self.w7) = (w4, w5, w6, w7)
    }

    /// The words in order.
    var words: [UInt32] { [w0, w1, w2, w3, w4, w5, w6, w7] }
}

/// Domain separation flags of the compression function (BLAKE3 paper, table 3).
struct CompressionFlags: OptionSet, Sendable {
    let rawValue: UInt32

    static let chunkStart = CompressionFlags(rawValue: 1 << 0)
    static let chunkEnd = CompressionFlags(rawValue: 1 << 1)
    static let parent = CompressionFlags(rawValue: 1 << 2)
    static let root = CompressionFlags(rawValue: 1 << 3)
    static let keyedHash = CompressionFlags(rawValue: 1 << 4)
    static let deriveKeyContext = CompressionFlags(rawValue: 1 << 5)
    static let deriveKeyMaterial = CompressionFlags(rawValue: 1 << 6)
}

/// One call of the compression function that has not happened yet: the last node of a subtree stays in this form until
/// it is known whether it is the root.
struct CompressionInput: Sendable {
    /// Chaining value of the previous block, or the key for a first block and for parents.
    var chainingValue: ChainingValue
    /// The message block, little-endian words, zero-filled past `blockLength`.
    var block: MessageWords
    /// Index of the chunk, or of the output block for the root.
    var counter: UInt64
    /// Bytes of the block that are message, 0…64.
    var blockLength: UInt32
    var flags: CompressionFlags

    /// All sixteen output words, in two halves (BLAKE3 paper, section 2.2). The first is what a parent takes in.
    func compressed() -> (first: ChainingValue, second: ChainingValue) {
        var state = CompressionState(
            chainingValue, counterLow: UInt32(truncatingIfNeeded: counter),
            counterHigh: UInt32(truncatingIfNeeded: counter >> 32), blockLength: blockLength, flags: flags.rawValue
        )
        var message = block
        state.mix(&message)
        let second = ChainingValue(
            w0: state.v8 ^ chainingValue.w0, w1: state.v9 ^ chainingValue.w1, w2: state.v10 ^ chainingValue.w2,
            w3: state.v11 ^ chainingValue.w3, w4: state.v12 ^ chainingValue.w4, w5: state.v13 ^ chainingValue.w5,
            w6: state.v14 ^ chainingValue.w6, w7: state.v15 ^ chainingValue.w7
        )
        return (state.output, second)
    }
}

/// The sixteen words of a message block, as separate values so that the optimiser keeps them in registers.
struct MessageWords: Sendable {
    var w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15: UInt32

    /// Takes the words out of `words(0)`…`words(15)`.
    @inline(__always)
    init(_ words: (Int) -> UInt32) {
        (w0, w1, w2, w3) = (words(0), words(1), words(2), words(3))
        (w4, w5, w6, w7) = (words(4), words(5), words(6), words(7))
        (w8, w9, w10, w11) = (words(8), words(9), words(10), words(11))
        (w12, w13, w14, w15) = (words(12), words(13), words(14), words(15))
    }

    /// No words yet.
    init() {
        self.init { _ in 0 }
    }

    /// A parent's block.
    init(_ left: ChainingValue, _ right: ChainingValue) {
        (w0, w1, w2, w3) = (left.w0, left.w1, left.w2, left.w3)
        (w4, w5, w6, w7) = (left.w4, left.w5, left.w6, left.w7)
        (w8, w9, w10, w11) = (right.w0, right.w1, right.w2, right.w3)
        (w12, w13, w14, w15) = (right.w4, right.w5, right.w6, right.w7)
    }

    /// Puts the words into the order of the next round (BLAKE3 paper, table 2).
    @inline(__always)
    mutating func permute() {
        (w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15) =
            (w2, w6, w3, w10, w7, w0, w4, w13, w1, w11, w12, w5, w9, w14, w15, w8)
    }
}

/// The sixteen state words of the compression function.
///
/// Everything here is inlined: `WideCompression` runs it once per lane in a loop without branches, which the compiler
/// turns into vector code of whatever width the target has.
struct CompressionState {
    var v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15: UInt32

    @inline(__always)
    init(_ chaining: ChainingValue, counterLow: UInt32, counterHigh: UInt32, blockLength: UInt32, flags: UInt32) {
        (v0, v1, v2, v3) = (chaining.w0, chaining.w1, chaining.w2, chaining.w3)
        (v4, v5, v6, v7) = (chaining.w4, chaining.w5, chaining.w6, chaining.w7)
        (v8, v9, v10, v11) = (0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A)
        (v12, v13, v14, v15) = (counterLow, counterHigh, blockLength, flags)
    }

    /// The first eight output words, after ``mix(_:)``.
    @inline(__always)
    var output: ChainingValue {
        ChainingValue(
            w0: v0 ^ v8, w1: v1 ^ v9, w2: v2 ^ v10, w3: v3 ^ v11, w4: v4 ^ v12, w5: v5 ^ v13, w6: v6 ^ v14,
            w7: v7 ^ v15
        )
    }

    /// Runs the seven rounds.
    @inline(__always)
    mutating func mix(_ message: inout MessageWords) {
        // Written out: an inner loop would keep the loop over lanes from being vectorised.
        round(message)
        message.permute()
        round(message)
        message.permute()
        round(message)
        message.permute()
        round(message)
        message.permute()
        round(message)
        message.permute()
        round(message)
        message.permute()
        round(message)
    }

    @inline(__always)
    private mutating func round(_ m: MessageWords) {
        Self.quarter(&v0, &v4, &v8, &v12, m.w0, m.w1)
        Self.quarter(&v1, &v5, &v9, &v13, m.w2, m.w3)
        Self.quarter(&v2, &v6, &v10, &v14, m.w4, m.w5)
        Self.quarter(&v3, &v7, &v11, &v15, m.w6, m.w7)
        Self.quarter(&v0, &v5, &v10, &v15, m.w8, m.w9)
        Self.quarter(&v1, &v6, &v11, &v12, m.w10, m.w11)
        Self.quarter(&v2, &v7, &v8, &v13, m.w12, m.w13)
        Self.quarter(&v3, &v4, &v9, &v14, m.w14, m.w15)
    }

    /// The quarter-round `G` (BLAKE3 paper, section 2.2).
    @inline(__always)
    private static func quarter(
        _ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32, _ x: UInt32, _ y: UInt32
    ) {
        a = a &+ b &+ x
        d = rotatedRight(d ^ a, by: 16)
        c = c &+ d
        b = rotatedRight(b ^ c, by: 12)
        a = a &+ b &+ y
        d = rotatedRight(d ^ a, by: 8)
        c = c &+ d
        b = rotatedRight(b ^ c, by: 7)
    }

    @inline(__always)
    private static func rotatedRight(_ value: UInt32, by count: UInt32) -> UInt32 {
        (value &>> count) | (value &<< (32 &- count))
    }
}

/// Eight chunks hashed side by side.
enum WideCompression {
    @inline(__always) static var laneCount: Int { 8 }
    /// Bytes hashed by one call: eight chunks.
    @inline(__always) static var byteCount: Int { laneCount * BLAKE3.chunkByteCount }

    // Rows of eight lanes in the scratch memory: sixteen message words, eight chaining words, counter low and high.
    @inline(__always) private static var chainingRow: Int { 16 }
    @inline(__always) private static var counterRow: Int { 24 }
    @inline(__always) private static var rowCount: Int { 26 }

    /// Hashes eight whole chunks that start at `bytes`, the first with index `counter`, and calls `body` with each
    /// chunk's chaining value in order.
    static func chunks(
        at bytes: UnsafeRawPointer, counter: UInt64, key: ChainingValue, flags: CompressionFlags,
        _ body: (ChainingValue) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: rowCount * laneCount) { buffer in
            guard let rows = buffer.baseAddress else { return }
            let keyWords = key.words
            for lane in 0..<laneCount {
                for word in 0..<8 { rows[(chainingRow + word) * laneCount + lane] = keyWords[word] }
                let index = counter &+ UInt64(lane)
                rows[counterRow * laneCount + lane] = UInt32(truncatingIfNeeded: index)
                rows[(counterRow + 1) * laneCount + lane] = UInt32(truncatingIfNeeded: index >> 32)
            }
            for block in 0..<16 {
                let start = bytes + block * BLAKE3.blockByteCount
                for word in 0..<16 {
                    for lane in 0..<laneCount {
                        let source = start + lane * BLAKE3.chunkByteCount + word * 4
                        rows[word * laneCount + lane] = UInt32(littleEndian: source.loadUnaligned(as: UInt32.self))
                    }
                }
                var blockFlags = flags
                if block == 0 { blockFlags.insert(.chunkStart) }
                if block == 15 { blockFlags.insert(.chunkEnd) }
                compress(rows, flags: blockFlags.rawValue)
            }
            for lane in 0..<laneCount {
                body(ChainingValue { rows[(chainingRow + $0) * laneCount + lane] })
            }
        }
    }

    /// One block of every lane. A single base pointer and constant row distances let the compiler prove that lanes do
    /// not alias, so that this loop becomes vector code.
    @inline(__always)
    private static func compress(_ rows: UnsafeMutablePointer<UInt32>, flags: UInt32) {
        for lane in 0..<laneCount {
            @inline(__always) func row(_ index: Int) -> UInt32 { (rows + index * laneCount)[lane] }
            var message = MessageWords(row)
            let chaining = ChainingValue { row(chainingRow + $0) }
            var state = CompressionState(
                chaining, counterLow: row(counterRow), counterHigh: row(counterRow + 1),
                blockLength: UInt32(BLAKE3.blockByteCount),
                flags: flags
            )
            state.mix(&message)
            let output = state.output
            (rows + 16 * laneCount)[lane] = output.w0
            (rows + 17 * laneCount)[lane] = output.w1
            (rows + 18 * laneCount)[lane] = output.w2
            (rows + 19 * laneCount)[lane] = output.w3
            (rows + 20 * laneCount)[lane] = output.w4
            (rows + 21 * laneCount)[lane] = output.w5
            (rows + 22 * laneCount)[lane] = output.w6
            (rows + 23 * laneCount)[lane] = output.w7
        }
    }
}
