import GRPCCore
import Identifiers
import Link
import Logging
import SwiftProtobuf
import Synchronization
import Timing

/// One stream with one worker.
extension ClusterMaster {
    /// How long a worker may take to describe itself.
    private static let introduction: Duration = .seconds(10)

    /// Serves the stream of a worker until it ends.
    ///
    /// - Throws: `RPCError`, which tells the worker why it was cut off.
    func attend(
        _ node: NodeID, token: ClusterTokenRecord, address: String,
        request: RPCAsyncSequence<Shoal_V1_WorkerMessage, any Error>, response: RPCWriter<Shoal_V1_MasterMessage>
    ) async throws {
        let stream = WorkerStream()
        let attendance = Attendance(master: self, node: node, token: token, address: address, stream: stream)
        var failure: (any Error)?
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await message in request { try attendance.read(message) }
                }
                group.addTask { try await stream.write(to: response) }
                group.addTask {
                    try await self.clock.sleep(Self.introduction)
                    guard attendance.session != nil else { throw Violation("it did not introduce itself in time") }
                    // Nothing more to do here; the group ends with the first that does.
                    try await Task.sleep(for: .seconds(Int64(Int32.max)))
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            failure = error
        }
        stream.end(failure is Violation ? .violation : .closed)
        attendance.close(failure)
        if let violation = failure as? Violation {
            throw RPCError(code: .invalidArgument, message: "cut off: \(violation.reason)")
        }
        if let error = stream.ending?.error { throw error }
        if let error = failure as? RPCError { throw error }
    }

    /// The jobs that nobody does any more: their requests look for other workers.
    func abandon(_ jobs: [ClusterRegistry.JobID], reason: String) {
        let attempts = state.withLock { state in jobs.compactMap { state.attempts[$0] } }
        for attempt in attempts { attempt.pipe.finish(JobAttempt.Lost(reason: reason)) }
    }
}

/// What one worker says on its stream. Its messages are read one after the other.
private final class Attendance: Sendable {
    private static let messagesPerSecond = 50

    private struct State {
        var session: ClusterRegistry.SessionID?
        var hostname: Hostname?
        var second: Duration = .zero
        var count = 0
    }

    private let master: ClusterMaster
    private let node: NodeID
    private let token: ClusterTokenRecord
    private let address: String
    private let stream: WorkerStream
    private let state = Mutex(State())

    init(master: ClusterMaster, node: NodeID, token: ClusterTokenRecord, address: String, stream: WorkerStream) {
        self.master = master
        self.node = node
        self.token = token
        self.address = address
        self.stream = stream
    }

    var session: ClusterRegistry.SessionID? { state.withLock { $0.session } }

    func read(_ message: Shoal_V1_WorkerMessage) throws {
        let now = master.clock.now()
        try admit(at: now)
        switch message.message {
        case .description_p(let description):
            try describe(try WorkerDescription(description), at: now)
        case .heartbeat(let heartbeat):
            try hear(heartbeat, at: now)
        case .leaving:
            let session = try introduced()
            master.state.withLock { $0.registry.leaving(session) }
        case nil: throw Violation("it sent an empty message")
        }
    }

    private func admit(at now: Duration) throws(Violation) {
        let isTooMuch = state.withLock { state in
            if now - state.second >= .seconds(1) {
                state.second = now
                state.count = 0
            }
            state.count += 1
            return state.count > Self.messagesPerSecond
        }
        if isTooMuch { throw Violation("it sent more than \(Self.messagesPerSecond) messages a second") }
    }

    private func introduced() throws(Violation) -> ClusterRegistry.SessionID {
        guard let session else { throw Violation("it spoke before it introduced itself") }
        return session
    }

    private func describe(_ description: WorkerDescription, at now: Duration) throws {
        if let session {
            guard state.withLock({ $0.hostname }) == description.hostname else {
                throw Violation("it changed its host name")
            }
            master.state.withLock { state in
                state.registry.described(session, as: description)
                state.registry.heard(session, at: now, date: master.clock.date())
            }
            master.recordsChanged()
            return
        }
        let date = master.clock.date()
        let opening = master.state.withLock { state -> ClusterRegistry.Opening? in
            guard
                let opening = state.registry.connected(
                    node, token: token.id, as: description, address: address, at: now, date: date)
            else { return nil }
            let driver = state.registry.key(of: opening.session).flatMap { state.registry.driver(of: $0) }
            state.streams[opening.session] = stream
            stream.post(
                .with {
                    $0.welcome.heartbeatMilliseconds = UInt32(
                        state.registry.rules.heartbeat / .milliseconds(1))
                    $0.welcome.driver.driver = driver?.rawValue ?? ""
                })
            return opening
        }
        guard let opening else {
            throw RPCError(code: .resourceExhausted, message: "the cluster has as many nodes as it may have")
        }
        state.withLock { state in
            state.session = opening.session
            state.hostname = description.hostname
        }
        if let replaced = opening.replaced { master.state.withLock { $0.streams[replaced] }?.end(.replaced) }
        master.abandon(opening.abandoned, reason: "its worker called anew")
        // The token may have been revoked while the session was made.
        guard master.tokens[token.key]?.isActive == true else { throw RPCError.revoked }
        master.tokens.noteUse(token.key)
        master.recordsChanged()
        master.logger.info(
            "a worker joined",
            metadata: ["worker": "\(node)", "hostname": "\(description.hostname)", "token": "\(token.name)"])
    }

    private func hear(_ heartbeat: Shoal_V1_WorkerHeartbeat, at now: Duration) throws {
        let session = try introduced()
        var processes: [WorkerProcess]?
        if heartbeat.hasProcesses {
            guard heartbeat.processes.processes.count <= WorkerProcess.maximumCount else {
                throw Violation("it has more processes than a machine can have")
            }
            processes = try heartbeat.processes.processes.map { try WorkerProcess($0) }
        }
        let stands = master.state.withLock { state in
            state.registry.heard(
                session, activeJobs: Int(heartbeat.activeJobs), processes: processes, at: now, date: master.clock.date()
            )
        }
        // Its place was taken; the stream is about to end.
        if !stands { stream.end(.replaced) }
        master.tokens.noteUse(token.key)
    }

    func close(_ failure: (any Error)?) {
        guard let session else { return }
        let date = master.clock.date()
        let jobs = master.state.withLock { state in
            state.streams[session] = nil
            return state.registry.closed(session, date: date)
        }
        let ending = stream.ending ?? .closed
        master.abandon(jobs, reason: "its worker is gone")
        master.recordsChanged()
        master.logger.info(
            "a worker disconnected",
            metadata: [
                "worker": "\(node)", "reason": "\(ending)", "jobs": "\(jobs.count)",
                "cause": "\(failure.map { "\($0)" } ?? "none")",
            ])
    }
}
