/// A chunk that is still taking bytes.
struct ChunkState: Sendable {
    private var chainingValue: ChainingValue
    /// Index of this chunk in the message.
    let counter: UInt64
    private let flags: CompressionFlags
    /// The last block, not compressed yet: it may end the chunk.
    private var block = SIMD16<UInt32>()
    private var blockLength = 0
    private var compressedBlocks = 0

    init(key: ChainingValue, counter: UInt64, flags: CompressionFlags) {
        chainingValue = key
        self.counter = counter
        self.flags = flags
    }

    /// Bytes taken so far, at most 1024.
    var byteCount: Int { compressedBlocks * BLAKE3.blockByteCount + blockLength }

    /// Appends bytes, which all fit into this chunk.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            if blockLength == BLAKE3.blockByteCount {
                chainingValue = input(extraFlags: []).chained()
                compressedBlocks += 1
                block = SIMD16()
                blockLength = 0
            }
            let taken = min(bytes.count - offset, BLAKE3.blockByteCount - blockLength)
            let source = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + taken])
            var words = block
            withUnsafeMutableBytes(of: &words) { memory in
                UnsafeMutableRawBufferPointer(rebasing: memory[blockLength..<blockLength + taken])
                    .copyMemory(from: source)
            }
            block = words
            blockLength += taken
            offset += taken
        }
    }

    /// The compression that would end the chunk here.
    func output() -> CompressionInput {
        input(extraFlags: .chunkEnd)
    }

    private func input(extraFlags: CompressionFlags) -> CompressionInput {
        var flags = flags.union(extraFlags)
        if compressedBlocks == 0 { flags.insert(.chunkStart) }
        var words = block
        #if _endian(big)
            for index in 0..<16 { words[index] = words[index].byteSwapped }
        #endif
        return CompressionInput(
            chainingValue: chainingValue, block: words, counter: counter, blockLength: UInt32(blockLength),
            flags: flags
        )
    }
}
