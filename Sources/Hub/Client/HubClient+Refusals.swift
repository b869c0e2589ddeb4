#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a request is about, for messages.
struct Subject: Sendable, CustomStringConvertible {
    let description: String
    let repository: HubRepository?

    static func search(_ query: String) -> Subject {
        Subject(description: "the search for \(NameRules.quoted(query))", repository: nil)
    }

    static func repository(_ repository: HubRepository, _ revision: HubRevision) -> Subject {
        Subject(
            description: revision == .main ? "\(repository)" : "\(repository) at \(revision)", repository: repository)
    }

    static func file(_ path: HubFilePath, _ repository: HubRepository, _ revision: HubRevision) -> Subject {
        Subject(
            description: "\(path) of \(revision == .main ? "\(repository)" : "\(repository) at \(revision)")",
            repository: repository)
    }
}

extension HubClient {
    /// What an answer means that is neither the content nor a redirect: a `Setback` or a `HubError`.
    func refusal(_ answer: HubTransport.Answer, about subject: Subject) async -> any Error {
        await transport.discard(answer)
        let status = answer.status
        if status == 408 || status == 429 || (500...599).contains(status) {
            return Setback.refused(status, retryAfter: Self.wait(answer))
        }
        let said = answer.header("x-error-message").map { " (it says \(NameRules.quoted($0)))" } ?? ""
        let page = subject.repository.map { configuration.endpoint.url("/\($0)") } ?? configuration.endpoint.text
        let hasToken = configuration.token != nil
        switch (status, answer.header("x-error-code")) {
        case (_, "GatedRepo"?):
            let advice =
                hasToken
                ? "accept its licence at \(page) with the account of HF_TOKEN, and wait until access is granted"
                : "accept its licence at \(page), then set HF_TOKEN to a token of that account"
            return HubError(.gated, "\(subject) is gated: \(advice)\(said)")
        case (_, "RevisionNotFound"?):
            return HubError(.notFound, "the hub has no \(subject): there is no such revision; check it at \(page)")
        case (_, "EntryNotFound"?):
            return HubError(.notFound, "the hub has no \(subject); check the path at \(page)")
        case (401, _) where hasToken && answer.header("x-error-code") != "RepoNotFound":
            return HubError(
                .unauthorized,
                "the hub refuses the token, asked for \(subject); make a new one in its settings and set HF_TOKEN\(said)"
            )
        case (401, _), (404, _):
            let advice =
                hasToken
                ? "check the name, and that the account of HF_TOKEN may read it"
                : "check the name; if it is private, set HF_TOKEN to a token that may read it"
            return HubError(.notFound, "the hub has no \(subject), or does not show it: \(advice)")
        case (403, _):
            return HubError(.unauthorized, "the hub forbids \(subject); check what the token in HF_TOKEN may do\(said)")
        default:
            return HubError(
                .badAnswer, "the hub answers \(status) to the question for \(subject); check HF_ENDPOINT\(said)")
        }
    }

    /// The wait that an answer asks for.
    static func wait(_ answer: HubTransport.Answer) -> Duration? {
        if let text = answer.header("retry-after"), let delay = RetryAfter.delay(text, now: Date()) { return delay }
        return answer.header("ratelimit").flatMap { RetryAfter.delay(rateLimit: $0) }
    }
}
