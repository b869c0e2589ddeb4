import Generation
import Hummingbird
import Inference
import NIOCore
import Synchronization

/// What the routes that generate have in common: running generations for a client and sending what comes.
struct GenerationAnswering: Sendable {
    let services: NodeServices
    let configuration: HTTPAPIConfiguration
    let metrics: HTTPMetrics

    func head(_ prefix: String, model: String, context: APIRequestContext) -> AnswerHead {
        AnswerHead(
            identifier: "\(prefix)-\(context.requestID)", model: model,
            createdUnixSeconds: services.node.nowUnixSeconds(), fingerprint: "shoal-\(services.node.version)")
    }

    /// Streams the answers to `requests`, one choice for each.
    ///
    /// The answer's head is sent when the first generation has started, so that errors before that have their own status.
    func stream(
        _ requests: [GenerationRequest], renderer: any AnswerRenderer, context: APIRequestContext
    ) async throws -> Response {
        let began = ContinuousClock.now
        let connection = try await context.clientConnection()
        let generate = starter(of: requests, context)
        let gracePeriod = configuration.shutdownGracePeriod
        let answer = StreamedAnswer(
            choices: requests.count, renderer: TimedRenderer(renderer, began: began, metrics: metrics),
            shown: { [configuration] in APIError($0, logger: context.logger).seen(by: context.caller, configuration) },
            generate: generate,
            watch: { operation in
                try await withClientPresent(
                    connection, timeout: nil, shutdownGracePeriod: gracePeriod, operation: operation)
            })
        let start = try await answer.start()
        let planned = began.duration(to: .now)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache",
                .xShoalRoute: start.route.headerValue, .serverTiming: "plan;dur=\(planned.milliseconds)",
            ],
            body: ResponseBody { writer in
                try await answer.write(to: &writer)
                try await writer.finish(nil)
            })
    }

    /// Generates the answers to `requests` to their ends.
    func collect(_ requests: [GenerationRequest], context: APIRequestContext) async throws -> [CollectedChoice] {
        let began = ContinuousClock.now
        let count = requests.count
        let generate = starter(of: requests, context)
        let metrics = self.metrics
        let connection = try await context.clientConnection()
        // What comes is read on the threads for all, however large the request was.
        let choices = try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await withClientPresent(
                connection, timeout: configuration.requestTimeout,
                shutdownGracePeriod: configuration.shutdownGracePeriod
            ) {
                try await withThrowingTaskGroup(of: (Int, CollectedChoice).self) { group in
                    for index in 0..<count {
                        group.addTask {
                            var choice = CollectedChoice()
                            for try await event in try await generate(index) { choice.add(event) }
                            return (index, choice)
                        }
                    }
                    var choices = [CollectedChoice](repeating: CollectedChoice(), count: count)
                    for try await (index, choice) in group { choices[index] = choice }
                    return choices
                }
            }
        }
        guard choices.allSatisfy({ $0.result != nil }) else {
            throw APIError.unavailable("the answer broke off", hint: "Ask again.")
        }
        metrics.recordGeneration(duration: began.duration(to: .now))
        return choices
    }

    /// Starts the generations of `requests`, by index and each once, in the caller's share. A large request is dealt with on threads of
    /// its own and let go when the last of its generations has started.
    private func starter(
        of requests: [GenerationRequest], _ context: APIRequestContext
    ) -> @Sendable (_ index: Int) async throws -> GenerationStream {
        let share = configuration.shares.share(of: context.caller)
        let pending = PendingRequests(requests, for: share)
        let backend = services.backend
        guard let threads = context.documents else { return { try await backend.generate(try pending.take($0)) } }
        return { index in
            try await withTaskExecutorPreference(threads) { try await backend.generate(try pending.take(index)) }
        }
    }

    /// An answer in one piece with the headers of a generation.
    func response(_ body: ByteBuffer, choices: [CollectedChoice]) -> Response {
        var response = Response(
            status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
        guard let result = choices.first?.result else { return response }
        response.headers[.xShoalRoute] = result.route.headerValue
        let timings = result.timings
        response.headers[.serverTiming] =
            "prompt;dur=\(Duration.milliseconds(timings.promptMilliseconds).milliseconds), "
            + "decode;dur=\(Duration.milliseconds(timings.decodeMilliseconds).milliseconds)"
        return response
    }
}

/// Requests that have not begun to be answered. What has is kept here no longer.
private final class PendingRequests: Sendable {
    private let requests: Mutex<[GenerationRequest?]>

    init(_ requests: [GenerationRequest], for share: Share) {
        self.requests = Mutex(
            requests.map { request in
                var request = request
                request.share = share
                return request
            })
    }

    func take(_ index: Int) throws -> GenerationRequest {
        let request = requests.withLock { requests in
            defer { requests[index] = nil }
            return requests[index]
        }
        guard let request else { throw CancellationError() }
        return request
    }
}

/// Notes when the first text and the end of an answer come, and lets another renderer do the work.
private struct TimedRenderer: AnswerRenderer {
    private var base: any AnswerRenderer
    private let began: ContinuousClock.Instant
    private let metrics: HTTPMetrics
    private var isFirst = true

    init(_ base: any AnswerRenderer, began: ContinuousClock.Instant, metrics: HTTPMetrics) {
        self.base = base
        self.began = began
        self.metrics = metrics
    }

    var family: APIFamily { base.family }

    mutating func render(_ event: GenerationEvent, choice: Int, into json: inout JSONText) {
        if isFirst {
            switch event {
            case .text, .reasoning, .toolCall:
                isFirst = false
                metrics.recordFirstToken(after: began.duration(to: .now))
            case .started, .rerouted, .finished: break
            }
        }
        base.render(event, choice: choice, into: &json)
    }

    mutating func renderEnd(into json: inout JSONText) {
        metrics.recordGeneration(duration: began.duration(to: .now))
        base.renderEnd(into: &json)
    }
}

extension Duration {
    /// Milliseconds with three decimals, as `Server-Timing` has them.
    fileprivate var milliseconds: Double { ((self / .milliseconds(1)) * 1000).rounded() / 1000 }
}
