/// What trains. It knows nothing of users, tokens and queues.
package protocol Trainer: Sendable {
    /// Trains, and returns when the result is there.
    ///
    /// When the task that it runs in is cancelled, it stops soon, leaves nothing running, and throws whatever it likes.
    ///
    /// - Parameter report: told how it goes; waits until that is noted.
    /// - Throws: `JobError` of code `trainerFailed` whose message says why.
    func train(_ task: TrainingTask, report: @escaping @Sendable (TrainingReport) async -> Void) async throws

    /// Ends what these jobs, of a node that was killed, left running.
    func endLeftovers(of jobs: [JobID])
}

/// What a trainer is to do.
package struct TrainingTask: Sendable, Hashable {
    package let job: JobID
    package let request: TrainingRequest
    /// The folder of the training data, absolute and without links.
    package let dataPath: String
    /// A new folder for what comes of it; it goes away with a job that does not succeed.
    package let outputFolder: String
}

/// What a trainer says while it trains.
package enum TrainingReport: Sendable, Hashable {
    /// How far it is, 0 to 1, and what it does, as far as it tells.
    case progress(Double?, message: String?)
    /// A line for the log.
    case line(String)
}

/// What an operator decides about training.
package struct TrainingSettings: Sendable, Hashable {
    /// Longest time that one job may run.
    package var timeout: Duration = .seconds(86_400)
    /// Jobs that run at once.
    package var maximumRunning = 1
    /// Jobs that wait.
    package var maximumQueued = 1000
    /// What a user pays for one job; administrators pay nothing.
    package var price: Int64 = 100
    /// Where logs and results are kept.
    package var folder: String

    package init(folder: String) {
        self.folder = folder
    }
}
