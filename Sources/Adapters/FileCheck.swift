internal import Bytes
internal import Dispatch
internal import NIOPosix
internal import Synchronization

/// The reading of a file that somebody sent, which may be made to take long: few at once, on threads of their own, with an end.
///
/// Tasks, and what else runs on the threads that they share, go on meanwhile.
package struct FileCheck: Sendable {
    /// How many files are read at once.
    package static let threads = 2

    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
        return pool
    }()

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    private let deadline: DispatchTime
    private let cancelled: Flag

    /// Runs `body` on one of the threads; it calls `goOn` between its steps, or reads through `source`, which does.
    ///
    /// - Parameter seconds: how long it may take from its start.
    /// - Throws: what `body` throws; `CancellationError` where the task ended before it or meanwhile.
    package static func run<Value: Sendable>(
        seconds: Double = 120, _ body: @escaping @Sendable (FileCheck) throws -> Value
    ) async throws -> Value {
        let cancelled = Flag()
        return try await withTaskCancellationHandler {
            try await pool.runIfActive {
                let check = FileCheck(deadline: .now() + seconds, cancelled: cancelled)
                try check.goOn()
                return try body(check)
            }
        } onCancel: {
            cancelled.isSet.store(true, ordering: .relaxed)
        }
    }

    /// - Throws: `CancellationError`, or `AdapterError` of code `badContent` after the deadline.
    package func goOn() throws {
        if cancelled.isSet.load(ordering: .relaxed) { throw CancellationError() }
        guard DispatchTime.now() < deadline else {
            throw AdapterError(.badContent, "the file takes too long to check")
        }
    }

    /// `source`, as long as the check may go on.
    func source(_ source: any ByteSource) -> any ByteSource { CheckedSource(source: source, check: self) }
}

/// Bytes that are read as long as a check may go on.
private struct CheckedSource: ByteSource {
    let source: any ByteSource
    let check: FileCheck

    var byteCount: UInt64 { source.byteCount }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try check.goOn()
        return try source.read(at: offset, into: buffer)
    }
}
