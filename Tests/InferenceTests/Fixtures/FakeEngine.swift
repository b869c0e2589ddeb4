import GRPCCore
import Identifiers
import Inference
import Link
import Logging
import ShoalTestSupport
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An engine that plays a script over a real Unix socket, in this process.
///
/// Its "model" says the alphabet: after n tokens comes letter n modulo 26. So an answer that goes on elsewhere can be
/// told from one that does not.
final class FakeEngine: Sendable {
    /// What a session does before it goes on, or instead.
    enum Act: Sendable {
        /// Says no more, not even heartbeats.
        case fallSilent
        /// Ends the stream without a last event.
        case endStream
        /// Breaks the stream.
        case breakStream
        case fail(Shoal_V1_SessionFailure.Code, String, node: NodeID?)
        /// Sends an event that no engine sends.
        case send(Shoal_V1_SessionEvent)
    }

    /// How the engine behaves; by default it answers as asked.
    struct Script: Sendable {
        /// What happens instead of answering `opened`.
        var onOpen: Act?
        /// What happens after so many tokens of a session.
        var afterTokens: (count: Int, act: Act)?
        /// In how many sessions the script's acts happen; afterwards all goes well.
        var times = Int.max
        var reusableTokens: UInt32 = 0
        var answersPings = true
        var logProbability: Float = -0.5
        /// What the model says instead of the alphabet, as tokens; an empty one is control token 200.
        var spoken: [String] = []
        /// Produces end-of-generation after so many tokens of answer.
        var endsAfter: Int?
    }

    /// What the engine saw.
    struct Journal: Sendable {
        var opens: [Shoal_V1_OpenSession] = []
        var starts: [UInt32] = []
        var running = 0
    }

    let script: Mutex<Script>
    let journal = Mutex(Journal())
    /// Ticks when a session ends.
    let ends: AsyncStream<Void>
    private let endContinuation: AsyncStream<Void>.Continuation

    init(_ script: Script = Script()) {
        self.script = Mutex(script)
        (ends, endContinuation) = AsyncStream.makeStream()
    }

    var opens: [Shoal_V1_OpenSession] { journal.withLock { $0.opens } }

    static func letter(_ position: Int) -> UInt8 { UInt8(ascii: "a") + UInt8(position % 26) }

    /// Takes the act for a new session, when there are some left.
    fileprivate func takeScript() -> Script {
        script.withLock { script in
            guard script.times > 0 else {
                var plain = script
                plain.onOpen = nil
                plain.afterTokens = nil
                return plain
            }
            script.times -= 1
            return script
        }
    }

    fileprivate func began(_ open: Shoal_V1_OpenSession) {
        journal.withLock { journal in
            journal.opens.append(open)
            journal.running += 1
        }
    }

    fileprivate func ended() {
        journal.withLock { $0.running -= 1 }
        endContinuation.yield()
    }

    /// Runs `body` with a connection to the engine.
    func serving<Result: Sendable>(_ body: @escaping @Sendable (LinkChannel) async throws -> Result) async throws
        -> Result
    {
        try await withTemporaryFolder { folder in
            let server = try LinkServer(
                socketPath: "\(folder)/engine.sock", services: [FakeSegment(engine: self)], gracePeriod: .zero,
                logger: Logger(label: "fake"))
            return try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask {
                    try await server.run()
                    return nil
                }
                try await server.waitUntilListening()
                group.addTask {
                    let channel = try await LinkChannel.connect(to: .socket(path: "\(folder)/engine.sock"))
                    defer { channel.abort() }
                    return try await body(channel)
                }
                defer { group.cancelAll() }
                while let ended = try await group.next() {
                    if let ended { return ended }
                }
                throw CancellationError()
            }
        }
    }
}

private struct FakeSegment: Shoal_V1_Segment.SimpleServiceProtocol {
    let engine: FakeEngine

    func runSession(
        request: RPCAsyncSequence<Shoal_V1_SessionCommand, any Error>, response: RPCWriter<Shoal_V1_SessionEvent>,
        context: ServerContext
    ) async throws {
        var commands = request.makeAsyncIterator()
        guard case .open(let open)? = try await commands.next()?.command else { return }
        engine.began(open)
        defer { engine.ended() }
        let script = engine.takeScript()
        if let act = script.onOpen, try await play(act, response, context) { return }
        try await response.write(.with { $0.opened = .with { $0.reusableTokens = script.reusableTokens } })
        guard case .start(let start)? = try await commands.next()?.command else { return }
        engine.journal.withLock { $0.starts.append(start.reusedTokens) }
        guard open.hasSampling else {
            // Not the last segment: alive until the coordinator ends the stream.
            while !context.cancellation.isCancelled {
                try await response.write(.with { $0.heartbeat = .init() })
                try await Task.sleep(for: .milliseconds(20))
            }
            return
        }
        if open.promptLogProbabilities { try await response.write(Self.promptProgress(open)) }
        var reason = Shoal_V1_SessionFinished.Reason.length
        for number in 0..<Int(open.maximumTokens) {
            if let (count, act) = script.afterTokens, count == number, try await play(act, response, context) { return }
            let isEnd = script.endsAfter == number + Int(open.producedTokens)
            let place = number + Int(open.producedTokens)
            if place < script.spoken.count {
                try await response.write(Self.token(spoken: script.spoken[place]))
            } else {
                try await response.write(Self.token(open.prompt.count + number, script, isEnd: isEnd))
            }
            if isEnd {
                reason = .stop
                break
            }
        }
        try await response.write(.with { $0.finished = .with { $0.reason = reason } })
    }

    /// Plays an act; whether the session is over then.
    private func play(
        _ act: FakeEngine.Act, _ response: RPCWriter<Shoal_V1_SessionEvent>, _ context: ServerContext
    ) async throws -> Bool {
        switch act {
        case .fallSilent:
            try await context.cancellation.cancelled
            return true
        case .endStream: return true
        case .breakStream: throw RPCError(code: .dataLoss, message: "broken on purpose")
        case .fail(let code, let message, let node):
            try await response.write(
                .with {
                    $0.failure = .with {
                        $0.code = code
                        $0.message = message
                        $0.nodeID = Data(node?.bytes ?? [])
                    }
                })
            return true
        case .send(let event):
            try await response.write(event)
            return false
        }
    }

    private static func token(_ position: Int, _ script: FakeEngine.Script, isEnd: Bool) -> Shoal_V1_SessionEvent {
        .with {
            $0.token = .with {
                let letter = FakeEngine.letter(position)
                $0.token = Int32(letter)
                $0.piece = isEnd ? Data() : Data([letter])
                $0.logProbability = script.logProbability
                $0.endOfGeneration = isEnd
            }
        }
    }

    private static func token(spoken: String) -> Shoal_V1_SessionEvent {
        .with {
            $0.token = .with {
                $0.token = spoken.isEmpty ? 200 : 1
                $0.piece = Data(spoken.utf8)
            }
        }
    }

    private static func promptProgress(_ open: Shoal_V1_OpenSession) -> Shoal_V1_SessionEvent {
        .with {
            $0.prompt = .with {
                $0.processedTokens = UInt32(open.prompt.count)
                $0.logProbabilities = open.prompt.enumerated().map { index, token in
                    .with {
                        $0.token = token
                        $0.piece = Data([UInt8(truncatingIfNeeded: token)])
                        $0.hasValue_p = index > 0
                        $0.logProbability = -1
                    }
                }
            }
        }
    }

    func exchange(
        request: RPCAsyncSequence<Shoal_V1_Frame, any Error>, response: RPCWriter<Shoal_V1_Frame>,
        context: ServerContext
    ) async throws {
        for try await frame in request {
            guard engine.script.withLock({ $0.answersPings }) else {
                try await context.cancellation.cancelled
                return
            }
            if case .ping = frame.frame { try await response.write(frame) }
        }
    }
}
