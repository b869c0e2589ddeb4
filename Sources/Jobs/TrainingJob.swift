package import Accounts

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Which job: 24 hexadecimal digits that cannot be guessed.
package struct JobID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init?(_ text: some StringProtocol) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
        guard isPlain, text.utf8.count == 24 else { return nil }
        description = String(text)
    }

    /// One that nothing else has.
    static func random() -> JobID {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<24).map { _ in "0123456789abcdef".randomElement(using: &generator) ?? "0" }
        return JobID(known: String(digits))
    }

    private init(known: String) { description = known }
}

/// Who a job is for, and who may look at it.
package enum JobOwner: Hashable, Sendable {
    /// Whoever holds the node's key: an administrator without a balance.
    case nodeKey
    case user(UserID, isAdministrator: Bool)

    package init(_ principal: Principal) {
        self = .user(principal.user, isAdministrator: principal.isAdministrator)
    }

    package var isAdministrator: Bool {
        switch self {
        case .nodeKey: true
        case .user(_, let isAdministrator): isAdministrator
        }
    }

    package var user: UserID? {
        switch self {
        case .nodeKey: nil
        case .user(let user, _): user
        }
    }

    func mayLook(at job: TrainingJob) -> Bool { isAdministrator || (user != nil && user == job.user) }
}

/// A training as it is written down.
package struct TrainingJob: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case queued, running, succeeded, failed, cancelled

        package var hasEnded: Bool {
            switch self {
            case .queued, .running: false
            case .succeeded, .failed, .cancelled: true
            }
        }
    }

    package let id: JobID
    /// Nil for the holder of the node's key.
    package let user: UserID?
    package let request: TrainingRequest
    package internal(set) var state: State
    /// 0 to 1, as far as the trainer tells.
    package internal(set) var progress: Double
    /// What the trainer said last, or how it ended.
    package internal(set) var message: String
    package let created: Date
    package internal(set) var started: Date?
    package internal(set) var ended: Date?
    /// What was set aside for it.
    package let tokens: TokenAmount
    /// The entry of the ledger that set it aside; nil for the holder of the node's key.
    package let reservation: Int64?
    /// Where what comes of it is, on this machine; nil where there is nothing, and for viewers who are no administrators.
    package internal(set) var outputFolder: String?

    /// What it cost: nothing unless it succeeded.
    package var tokensUsed: Int64 { state == .succeeded ? tokens.rawValue : 0 }
}

/// Jobs, the newest first.
package struct JobPage: Hashable, Sendable {
    package let jobs: [TrainingJob]
    /// The job to go on after; nil where nothing follows.
    package let next: JobID?

    package init(jobs: [TrainingJob], next: JobID?) {
        self.jobs = jobs
        self.next = next
    }
}
