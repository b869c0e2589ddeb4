/// Why a node does not come to hold what was asked for, or does not take a rule about it.
///
/// The message says what happened, to what, and what to do.
package struct AcquisitionError: Error, Sendable, CustomStringConvertible {
    /// The kind of fault. Open: later versions may add kinds.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        private init(_ description: String) { self.description = description }

        /// A schedule that is not possible.
        package static let badSchedule = Code("badSchedule")
        /// A policy that is not possible.
        package static let badPolicy = Code("badPolicy")
        /// What cannot be the place that a model is from.
        package static let badOrigin = Code("badOrigin")
        /// What is stored about a model, or a schedule, cannot be read.
        package static let badRecord = Code("badRecord")
        /// A shard is being given up at this moment.
        package static let givingUp = Code("givingUp")
        /// A file beside a model's cannot be read or written.
        package static let fileSystem = Code("fileSystem")
        /// Shards that the model does not have.
        package static let badShards = Code("badShards")
        /// A model that the engine cannot run.
        package static let unsupported = Code("unsupported")
        /// No node and no hub is known that has the model or shard.
        package static let noSource = Code("noSource")
        /// Whoever was asked did not send all of it.
        package static let supplierFailed = Code("supplierFailed")
        /// The publisher has another model than the one here.
        package static let notHeldThere = Code("notHeldThere")
        /// What came was wrong.
        package static let damaged = Code("damaged")
        /// There is no download of that model that could be cancelled.
        package static let noDownload = Code("noDownload")
        /// The disk, or what models may take of it, has no room.
        package static let diskFull = Code("diskFull")
    }

    package let code: Code
    /// Whether trying again cannot help.
    package let isFinal: Bool
    /// The field that is wrong, as it is written in a request, such as `reduced_hours_start`.
    package let field: String?
    package let message: String
    package let cause: (any Error)?

    package init(
        _ code: Code, field: String? = nil, _ message: String, cause: (any Error)? = nil, isFinal: Bool = false
    ) {
        self.code = code
        self.field = field
        self.message = message
        self.cause = cause
        self.isFinal = isFinal
    }

    package var description: String { message }
}
