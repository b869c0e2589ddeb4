import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends single requests: limits in time, and the token for the hub alone.
struct HubTransport: Sendable {
    let http: HTTPClient
    let configuration: HubConfiguration
    let origin: Origin
    let logger: Logger

    /// Most redirects that are followed for one answer.
    static let maximumRedirects = 6

    init(http: HTTPClient, configuration: HubConfiguration, logger: Logger) throws {
        guard let origin = configuration.endpoint.origin else {
            throw HubError(.badConfiguration, "\(configuration.endpoint) is no address of a hub; set HF_ENDPOINT")
        }
        self.http = http
        self.configuration = configuration
        self.origin = origin
        self.logger = logger
    }

    /// An answer's head, its body still to come, and who gave it.
    struct Answer {
        let response: HTTPClientResponse
        let url: URL

        var status: UInt { response.status.code }

        func header(_ name: String) -> String? { response.headers.first(name: name) }

        /// Where a redirect leads; nil for answers that are none.
        func redirect() throws -> URL? {
            guard [301, 302, 303, 307, 308].contains(status) else { return nil }
            guard let location = header("location"), let target = URL(string: location, relativeTo: url)?.absoluteURL,
                let place = Origin(target)
            else {
                throw HubError(.badAnswer, "\(url.host ?? "the hub") redirects to nowhere; check HF_ENDPOINT")
            }
            guard place.scheme == "https" || url.scheme?.lowercased() == "http" else {
                throw HubError(
                    .badAnswer,
                    "\(url.host ?? "the hub") redirects from https to http, which is not followed; check HF_ENDPOINT")
            }
            return target
        }
    }

    func isHub(_ url: URL) -> Bool { Origin(url) == origin }

    /// Sends one request and waits for the head of its answer.
    ///
    /// - Throws: `Setback` where trying again may help; `CancellationError`.
    func send(_ method: HTTPMethod, _ url: URL, headers: [(String, String)] = []) async throws -> Answer {
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        request.headers.add(name: "user-agent", value: configuration.userAgent)
        // Lengths and ranges are those of the file, not of some packing of it.
        request.headers.add(name: "accept-encoding", value: "identity")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let token = configuration.token, isHub(url) {
            request.headers.add(name: "authorization", value: token.authorization)
        }
        do {
            let deadline = NIODeadline.now() + TimeAmount(configuration.answerLimit)
            return Answer(response: try await http.execute(request, deadline: deadline), url: url)
        } catch {
            try Task.checkCancellation()
            if let error = error as? HTTPClientError, error == .deadlineExceeded || error == .readTimeout {
                throw Setback.stalled(configuration.answerLimit)
            }
            throw Setback.broken(error)
        }
    }

    /// Sends a request and follows its redirects.
    func follow(_ method: HTTPMethod, _ url: URL, headers: [(String, String)] = []) async throws -> Answer {
        var url = url
        for _ in 0...Self.maximumRedirects {
            let answer = try await send(method, url, headers: headers)
            guard let target = try answer.redirect() else { return answer }
            await discard(answer)
            url = target
        }
        throw HubError(.badAnswer, "\(url.host ?? "the hub") redirects in circles; check HF_ENDPOINT")
    }

    /// Hands the body on piece by piece until it ends or `onChunk` answers false.
    ///
    /// The next piece is only taken when `onChunk` has returned, so a slow taker slows the sender.
    ///
    /// - Throws: `Setback` when it breaks or stalls; what `onChunk` throws; `CancellationError`.
    func stream(
        _ answer: Answer, within limit: Duration? = nil, onChunk: @escaping @Sendable (ByteBuffer) async throws -> Bool
    ) async throws {
        let watch = StallWatch(configuration, total: limit)
        let body = answer.response.body
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            group.addTask {
                var iterator = body.makeAsyncIterator()
                while true {
                    watch.isWaiting()
                    let chunk: ByteBuffer?
                    do {
                        chunk = try await iterator.next()
                    } catch {
                        try Task.checkCancellation()
                        throw Setback.broken(error)
                    }
                    watch.isBusy(with: chunk?.readableBytes ?? 0)
                    try Task.checkCancellation()
                    guard let chunk else { return }
                    guard try await onChunk(chunk) else { return }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// The whole body.
    ///
    /// - Throws: as ``stream(_:within:onChunk:)``; `HubError` of code `tooLarge`.
    func collect(_ answer: Answer, upTo limit: Int) async throws -> [UInt8] {
        let collected = Collector()
        try await stream(answer, within: configuration.answerLimit * 4) { chunk in
            guard collected.append(chunk, upTo: limit) else {
                throw HubError(
                    .tooLarge,
                    "an answer of \(answer.url.host ?? "the hub") is longer than \(limit) bytes; check HF_ENDPOINT")
            }
            return true
        }
        return collected.bytes
    }

    /// Reads what little body there is, so that the connection can be used again.
    func discard(_ answer: Answer) async {
        _ = try? await collect(answer, upTo: 64 << 10)
    }
}

/// A try that failed; the next one may succeed.
enum Setback: Error {
    /// The connection could not be made, or broke.
    case broken(any Error)
    /// Nothing came for so long.
    case stalled(Duration)
    /// Next to nothing came for so long.
    case slow(Duration)
    /// 408, 429 or 5xx, and the wait that the answer asks for.
    case refused(UInt, retryAfter: Duration?)
    /// The file store no longer takes the signed location.
    case expired(UInt)
    /// The answer contradicts itself.
    case odd(String)
}

/// The answer ended before all of it was there.
struct ShortBody: Error, CustomStringConvertible {
    let description: String
}
