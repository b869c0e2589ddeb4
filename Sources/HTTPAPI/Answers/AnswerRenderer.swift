import Generation
import JSON

/// Turns the events of an answer's generations into server-sent events.
protocol AnswerRenderer: Sendable {
    /// Whose errors its failures are written like.
    var family: APIFamily { get }
    /// Writes what one event of one choice means to the client.
    mutating func render(_ event: GenerationEvent, choice: Int, into json: inout JSONText)
    /// Writes what comes after the last event of the last choice.
    mutating func renderEnd(into json: inout JSONText)
}

extension AnswerRenderer {
    /// Writes an error that happened after the answer had begun: one event of its own, after which nothing comes.
    func renderFailure(_ error: APIError, into json: inout JSONText) {
        json.raw("data: ")
        json.raw(family.errors.rendered(error).body.serialized())
        json.raw("\n\n")
    }

    /// Writes a change of route as a comment, which clients skip and people see.
    func renderReroute(reason: String, route: [RouteSegment], into json: inout JSONText) {
        let line = reason.map { $0.isNewline ? " " : $0 }
        json.raw(": rerouted (\(String(line))): \(route.headerValue)\n\n")
    }
}
