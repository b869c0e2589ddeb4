/// An incremental BLAKE3 hash, after the paper at <https://github.com/BLAKE3-team/BLAKE3-specs>.
///
/// Update it with any number of pieces of any length; the result depends on their concatenation only. A value is a
/// snapshot: copying it forks the hash, and finalizing it leaves it usable.
///
///     var hash = BLAKE3()
///     hash.update(header)
///     hash.update(body)
///     let digest = hash.finalize()
package struct BLAKE3: Sendable {
    /// Bytes in a chunk, the leaf of the hash tree.
    static let chunkByteCount = 1024
    /// Bytes in a block, the input of the compression function.
    static let blockByteCount = 64

    private let key: ChainingValue
    private let flags: CompressionFlags
    private var chunk: ChunkState
    /// Chaining values of finished subtrees, largest first; one per set bit of the number of finished chunks.
    private var subtrees: [ChainingValue] = []

    private init(key: ChainingValue, flags: CompressionFlags) {
        self.key = key
        self.flags = flags
        chunk = ChunkState(key: key, counter: 0, flags: flags)
    }

    /// The plain hash.
    package init() {
        self.init(key: ChainingValue.initial, flags: [])
    }

    /// The keyed hash: a message authentication code under `key`, which has exactly 32 bytes.
    package init(key: some Collection<UInt8>) {
        precondition(key.count == 32, "a BLAKE3 key has 32 bytes")
        self.init(key: Self.words(Array(key)), flags: .keyedHash)
    }

    /// Key derivation: hash key material in to derive keys for the purpose that `context` names.
    ///
    /// The context is a hard-coded, globally unique sentence, such as `"shoal 2025 link certificate"`.
    package init(deriveKeyContext context: String) {
        var contextHash = BLAKE3(key: ChainingValue.initial, flags: .deriveKeyContext)
        contextHash.update(context.utf8)
        self.init(key: Self.words(contextHash.finalize(count: 32)), flags: .deriveKeyMaterial)
    }

    /// The plain hash of `bytes`.
    package static func hash(_ bytes: [UInt8]) -> Digest {
        var hash = BLAKE3()
        hash.update(bytes)
        return hash.finalize()
    }

    /// Appends bytes to the message.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil {
            Array(bytes).withUnsafeBytes { update($0) }
        }
    }

    /// Appends bytes to the message.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var next = bytes.baseAddress, !bytes.isEmpty else { return }
        var remaining = bytes.count
        // The last chunk stays open until more input follows: it may turn out to be the root.
        while remaining > 0 {
            if chunk.byteCount == Self.chunkByteCount {
                append(chunk.output().compressed().first, finishedChunks: chunk.counter + 1)
                chunk = ChunkState(key: key, counter: chunk.counter + 1, flags: flags)
            }
            if chunk.byteCount == 0, remaining > WideCompression.byteCount {
                var counter = chunk.counter
                WideCompression.chunks(at: next, counter: counter, key: key, flags: flags) { value in
                    counter += 1
                    append(value, finishedChunks: counter)
                }
                chunk = ChunkState(key: key, counter: counter, flags: flags)
                next += WideCompression.byteCount
                remaining -= WideCompression.byteCount
            } else {
                let taken = min(remaining, Self.chunkByteCount - chunk.byteCount)
                chunk.update(UnsafeRawBufferPointer(start: next, count: taken))
                next += taken
                remaining -= taken
            }
        }
    }

    /// The 32-byte hash of everything appended so far.
    package func finalize() -> Digest {
        Digest(rootOutput().compressed().first)
    }

    /// The first `count` bytes of the extended output; the first 32 are those of ``finalize()``.
    package func finalize(count: Int) -> [UInt8] {
        precondition(count >= 0, "an output has no negative length")
        var output = rootOutput()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + Self.blockByteCount)
        output.counter = 0
        while bytes.count < count {
            let block = output.compressed()
            for word in block.first.words + block.second.words {
                withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
            }
            output.counter += 1
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Adds a finished chunk to the tree and merges every subtree that it completes (BLAKE3 paper, section 5.1.2).
    private mutating func append(_ value: ChainingValue, finishedChunks: UInt64) {
        var value = value
        var total = finishedChunks
        while total & 1 == 0, let left = subtrees.popLast() {
            value = parent(left, value).compressed().first
            total >>= 1
        }
        subtrees.append(value)
    }

    private func parent(_ left: ChainingValue, _ right: ChainingValue) -> CompressionInput {
        CompressionInput(
            chainingValue: key, block: MessageWords(left, right), counter: 0,
            blockLength: UInt32(Self.blockByteCount), flags: flags.union(.parent)
        )
    }

    /// The root of the tree over everything appended so far.
    private func rootOutput() -> CompressionInput {
        var output = chunk.output()
        for left in subtrees.reversed() {
            output = parent(left, output.compressed().first)
        }
        output.flags.insert(.root)
        output.counter = 0
        return output
    }

    private static func words(_ bytes: [UInt8]) -> ChainingValue {
        bytes.withUnsafeBytes { memory in
            ChainingValue { UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
        }
    }
}
