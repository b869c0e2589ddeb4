import Adapters
import NIOCore
import NIOPosix
import Synchronization

/// Writes what comes in pieces to an upload in blocks: one is hashed and written on a thread of its own while the next fills.
struct BlockWriter: Sendable {
    /// Large enough that handing a block to another thread, and waking it, costs little beside writing it.
    private static let blockBytes = 512 << 10

    /// Memory that is filled and written again and again.
    private final class Block: Sendable {
        private let bytes = Mutex(ByteBuffer())

        /// Takes as much of `piece` as there is room for.
        /// - Returns: whether the block is full.
        func fill(from piece: inout ByteBuffer) -> Bool {
            bytes.withLock { bytes in
                if bytes.capacity == 0 { bytes.reserveCapacity(blockBytes) }
                let count = min(piece.readableBytes, blockBytes - bytes.readableBytes)
                if var part = piece.readSlice(length: count) { bytes.writeBuffer(&part) }
                return bytes.readableBytes == blockBytes
            }
        }

        func write(to upload: LoRAUpload) throws {
            try bytes.withLock { bytes in
                try bytes.withUnsafeReadableBytes { try upload.append($0) }
                bytes.clear()
            }
        }
    }

    private let upload: LoRAUpload
    private let loop: any EventLoop
    private var filling = Block()
    private var waiting = Block()
    private var writing: EventLoopFuture<Void>?

    /// - Parameter loop: where the end of a block is waited for.
    init(upload: LoRAUpload, loop: any EventLoop) {
        self.upload = upload
        self.loop = loop
    }

    /// Takes bytes that follow those before.
    ///
    /// - Throws: `AdapterError`, of these or of earlier bytes.
    mutating func write(_ piece: ByteBuffer) async throws {
        var piece = piece
        while piece.readableBytes > 0 {
            if filling.fill(from: &piece) { try await writeBlock() }
        }
    }

    /// Waits until everything is written; the upload is complete then.
    mutating func finish() async throws -> LoRAUpload {
        try await writeBlock()
        try await writing?.get()
        return upload
    }

    /// Gives the upload up, once nothing of it is being written any more.
    func cancel() async {
        let cancelled = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [upload] in upload.cancel() }
        try? await cancelled.get()
    }

    private mutating func writeBlock() async throws {
        try await writing?.get()
        swap(&filling, &waiting)
        writing = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [upload, waiting] in
            try waiting.write(to: upload)
        }
    }
}
