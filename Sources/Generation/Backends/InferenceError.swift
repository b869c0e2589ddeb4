/// Why the node cannot generate, embed, load or unload.
package struct InferenceError: Error, Sendable {
    /// What kind of failure it is. Open: further codes may come.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// Nobody in the swarm knows the model.
        package static let modelNotFound = Code(rawValue: "model_not_found")
        /// The model is known, but some of its layers are on no reachable node, or nobody can run it whole.
        package static let modelNotCovered = Code(rawValue: "model_not_covered")
        /// A shard is not held by this node.
        package static let shardNotHeld = Code(rawValue: "shard_not_held")
        /// Memory or places are taken; later it may work.
        package static let noCapacity = Code(rawValue: "no_capacity")
        /// What should be unloaded is in use.
        package static let inUse = Code(rawValue: "in_use")
        /// The request itself is wrong; `parameter` names the field.
        package static let badRequest = Code(rawValue: "bad_request")
        /// The prompt (with what is to be produced) is longer than the context.
        package static let contextTooLong = Code(rawValue: "context_length_exceeded")
        /// A segment was lost and nobody could replace it.
        package static let segmentLost = Code(rawValue: "segment_lost")
        package static let timedOut = Code(rawValue: "timed_out")
        /// The engine program is not there, or does not start.
        package static let engineMissing = Code(rawValue: "engine_missing")
        /// The engine answered with an error.
        package static let engineFailed = Code(rawValue: "engine_failed")
        /// The process that prepares prompts and reads answers was lost, again and again.
        package static let preparationLost = Code(rawValue: "preparation_lost")
        /// Engines ended while they computed this very request, as often as it may happen.
        package static let requestEndedEngine = Code(rawValue: "request_ended_engine")
        /// The model cannot do what was asked (embeddings from a split model, say).
        package static let unsupported = Code(rawValue: "unsupported")
        /// The node is stopping.
        package static let cancelled = Code(rawValue: "cancelled")
    }

    package let code: Code
    /// What happened, to what.
    package let message: String
    /// What to do about it.
    package let hint: String?
    /// The field of the request that is wrong, by its name in the API.
    package let parameter: String?
    /// What caused it.
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, hint: String? = nil, parameter: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.parameter = parameter
        self.cause = cause
    }

    /// A wrong field of a request.
    package static func badRequest(_ parameter: String, _ message: String, hint: String? = nil) -> InferenceError {
        InferenceError(.badRequest, message, hint: hint, parameter: parameter)
    }
}

extension InferenceError: CustomStringConvertible {
    package var description: String {
        var text = "\(code.rawValue): \(message)"
        if let hint { text += " (\(hint))" }
        if let cause { text += ": \(cause)" }
        return text
    }
}
