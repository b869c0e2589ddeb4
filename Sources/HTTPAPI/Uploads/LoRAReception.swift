import Adapters
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// Receives the form of a LoRA upload: at a bounded cost, for a bounded time, and leaving nothing behind when it fails.
struct LoRAReception: Sendable {
    /// What a form may have besides the file.
    private static let formBytes = 64 << 10
    /// The body is read in pieces of at most this size: larger than usual, for each costs a step from one thread to another.
    private static let pieceBytes = 128 << 10
    /// What is left of a refused body that is read all the same, so that the connection can be used again.
    private static let smallRest = 64 << 10

    let loras: any LoRAService
    let limits: LoRAUploadLimits
    let shutdownGracePeriod: Duration

    /// Reads the whole of the form.
    ///
    /// - Throws: `APIError`; `AdapterError` of the disk.
    func receive(
        _ request: Request, context: APIRequestContext, sender: LoRAForm.Sender
    ) async throws -> LoRAForm.Complete {
        let progress = Progress()
        do {
            let boundary = try Self.boundary(of: request)
            let limit = limits.fileBytes + Self.formBytes
            if let length = request.contentLength, length > limit { throw tooLarge }
            let room = try await loras.room(for: UInt64(max(request.contentLength ?? 0, 0)))
            try await request.goOn(context)
            try await context.channel.setOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.pieceBytes)
            ).get()
            let form = LoRAForm(
                boundary: boundary, sender: sender, loop: context.channel.eventLoop,
                begin: { [loras] in try loras.beginUpload(in: room) })
            let loop = ConnectionLoop(context.channel.eventLoop)
            return try await withTimeLimits(progress) {
                try await withTaskExecutorPreference(loop) {
                    try await read(request, into: form, limit: limit, progress: progress)
                }
            }
        } catch {
            throw refusal(error, of: request, after: progress, context)
        }
    }

    private var tooLarge: APIError { .bodyTooLarge(limitBytes: limits.fileBytes) }

    private static func boundary(of request: Request) throws(APIError) -> MultipartBoundary {
        do {
            return try MultipartBoundary(contentType: request.headers[.contentType])
        } catch {
            throw APIError(error)
        }
    }

    private func read(
        _ request: Request, into form: LoRAForm, limit: Int, progress: Progress
    ) async throws -> LoRAForm.Complete {
        var form = form
        do {
            var pieces = request.body.makeAsyncIterator()
            while let piece = try await Self.next(&pieces) {
                guard progress.add(piece.readableBytes) <= limit else { throw tooLarge }
                try await form.take(piece)
            }
            progress.end()
            return try await form.complete()
        } catch {
            await form.cancel()
            throw error
        }
    }

    /// The next piece of the body; a connection that breaks off is the client's fault and no one else's.
    private static func next(_ pieces: inout RequestBody.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw APIError.invalidRequest("the connection broke off before the form was complete")
        }
    }

    // MARK: Time

    /// How much of the body has come.
    private final class Progress: Sendable {
        private let bytes = Atomic(0)
        private let isOver = Atomic(false)

        var count: Int { bytes.load(ordering: .relaxed) }
        var hasEnded: Bool { isOver.load(ordering: .relaxed) }

        /// - Returns: how much there is in all.
        func add(_ count: Int) -> Int { bytes.add(count, ordering: .relaxed).newValue }

        func end() { isOver.store(true, ordering: .relaxed) }
    }

    /// Runs `body` as long as it gets on, and the node is not stopping.
    private func withTimeLimits<Value: Sendable>(
        _ progress: Progress, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask { [limits] in
                var before: Int
                repeat {
                    before = progress.count
                    try await Task.sleep(for: limits.patience)
                } while progress.hasEnded || progress.count - before >= limits.leastBytes
                throw APIError(
                    status: .requestTimeout, type: "timeout_error",
                    message: "the upload was given up: it brought less than \(limits.leastBytes) bytes in "
                        + "\(limits.patience / .seconds(1)) s")
            }
            group.addTask { [limits] in
                try await Task.sleep(for: limits.deadline)
                // What has come completely waits for the disk alone.
                while progress.hasEnded { try await Task.sleep(for: limits.patience) }
                throw APIError(
                    status: .requestTimeout, type: "timeout_error",
                    message: "the upload was given up: it took longer than \(limits.deadline / .seconds(1)) s")
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: shutdownGracePeriod)
                throw APIError.unavailable("the node is stopping", hint: "Ask again when it is back.")
            }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    // MARK: Saying no

    /// What the client is told. Where it would go on sending what nobody reads, the connection ends.
    private func refusal(
        _ error: any Error, of request: Request, after progress: Progress, _ context: APIRequestContext
    ) -> APIError {
        var error = APIError(error, logger: context.logger)
        let rest = request.contentLength.map { $0 - progress.count }
        let isPatient = error.status != .requestTimeout && error.status != .serviceUnavailable
        if progress.hasEnded || isPatient && rest.map({ $0 <= Self.smallRest }) ?? false { return error }
        // The door cuts it where the client goes on sending.
        error.headers[.connection] = "close"
        return error
    }
}

extension Request {
    fileprivate var contentLength: Int? { headers[.contentLength].flatMap { Int($0) } }
}
