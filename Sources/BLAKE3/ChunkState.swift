/// A chunk that is still taking bytes.
struct ChunkState: Sendable {
    private var chainingValue: ChainingValue
    /// Index of this chunk in the message.
    let counter: UInt64
    private let flags: CompressionFlags
    /// The last block, not compressed yet: it may end the chunk.
    /// Its words are in memory order; `input` reads them as little-endian.
    private var block = MessageWords()
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
                chainingValue = input(extraFlags: []).compressed().first
                compressedBlocks += 1
                block = MessageWords()
                blockLength = 0
            }
            let taken = min(bytes.count - offset, BLAKE3.blockByteCount - blockLength)
            let source = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + taken])
            withUnsafeMutableBytes(of: &block) { memory in
                UnsafeMutableRawBufferPointer(rebasing: memory[blockLength..<blockLength + taken])
                    .copyMemory(from: source)
            }
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
        let memory = block
        let words = withUnsafeBytes(of: memory) { bytes in
            MessageWords { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
        }
        return CompressionInput(
            chainingValue: chainingValue, block: words, counter: counter, blockLength: UInt32(blockLength),
            flags: flags
        )
    }
}
