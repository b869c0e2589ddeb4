import GGUF
import GRPCCore
import Generation
import Link
import Logging
import ShoalTestSupport
import SwiftProtobuf
import Testing

@testable import Inference

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Grammars that reach an engine although they should not have, and what else ends one: in real processes, past all that looks at
/// requests before.
@Suite(.serialized) struct HostileGrammarTests {
    /// What a session of its own, opened by hand, came to.
    private struct Outcome: Sendable {
        var tokens: [UInt8] = []
        var failure: Shoal_V1_SessionFailure?
        var finished: Shoal_V1_SessionFinished?
    }

    private func run(
        _ node: TestNode, prompt: String = "Shoal is", maximumTokens: UInt32 = 32,
        sampling change: @Sendable (inout Shoal_V1_Sampling) -> Void
    ) async throws -> Outcome {
        let engine = try #require(node.inference.supervisor.existingEngine(model: TestNode.model))
        let connection = try #require(await engine.runningConnection)
        let tokens = try await node.inference.tokenize(model: TestNode.model, text: prompt, addSpecial: true)
        let sampling = Shoal_V1_Sampling.with {
            $0.topLogProbabilities = -1
            change(&$0)
        }
        let open = Shoal_V1_OpenSession.with {
            $0.sessionID = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) })
            $0.layers = .with { $0.end = connection.description.layerCount }
            $0.layerCount = connection.description.layerCount
            $0.prompt = tokens
            $0.sampling = sampling
            $0.maximumTokens = maximumTokens
        }
        let (commands, continuation) = AsyncStream.makeStream(of: Shoal_V1_SessionCommand.self)
        continuation.yield(.with { $0.open = open })
        return try await connection.channel.segment.runSession { writer in
            for await command in commands { try await writer.write(command) }
        } onResponse: { response in
            defer { continuation.finish() }
            var outcome = Outcome()
            for try await event in response.messages {
                switch event.event {
                case .opened: continuation.yield(.with { $0.start = .init() })
                case .token(let token) where !token.endOfGeneration: outcome.tokens += token.piece
                case .failure(let failure):
                    outcome.failure = failure
                    return outcome
                case .finished(let finished):
                    outcome.finished = finished
                    return outcome
                default: break
                }
            }
            return outcome
        }
    }

    @Test(arguments: [
        "root ::= \"\\x00\"", "root ::= \"a\"{2,1}", "root ::= (", "root ::= \u{0}", "root ::= root",
        "root ::= " + String(repeating: "(", count: 60_000),
    ])
    func `a grammar that libllama fails on ends its session alone`(grammar: String) async throws {
        try await TestNode.run { node in
            _ = try await node.inference.load(model: TestNode.model)
            let process = await node.inference.engineProcessID(model: TestNode.model)
            let outcome = try await run(node) { $0.grammar = grammar }
            #expect(outcome.failure?.code == .failureBadGrammar)
            #expect(try await !node.events(TestNode.request("Shoal is", tokens: 4)).text.isEmpty)
            #expect(await node.inference.engineProcessID(model: TestNode.model) == process)
        }
    }

    @Test(arguments: [
        "root ::= ((\"a\"? \"b\"?){0,40}){0,40}", "root ::= (\"a\"? \"b\"? \"c\"? \"d\"?){0,200} \"x\"",
    ])
    func `a grammar without end ends its session by name, and others are resumed`(grammar: String) async throws {
        let log = LogRecorder()
        try await TestNode.run(log: log) { node in
            var request = TestNode.request("Shoal is", tokens: 400)
            request.ignoreEndOfGeneration = true
            let expected = try await node.events(request)
            let process = try #require(await node.inference.engineProcessID(model: TestNode.model))
            let list = EventList()
            var outcome: Outcome?
            let begin = ContinuousClock.now
            for try await event in try await node.inference.generate(request) {
                list.add(event)
                if outcome == nil, list.tokens.count >= 5 { outcome = try await run(node) { $0.grammar = grammar } }
            }
            #expect(outcome?.failure?.code == .failureBadGrammar)
            #expect(outcome?.failure?.message.contains("too long") == true, "\(outcome?.failure?.message ?? "")")
            #expect(list.text == expected.text)
            #expect(begin.duration(to: .now) < .seconds(20))
            #expect(await node.inference.engineProcessID(model: TestNode.model) != process)
            let end = try #require(log.lines.first { $0.text.hasPrefix("the engine ended") })
            #expect(end.level == .warning)
            #expect(end.text.contains("exit status 91") && end.text.contains("the grammar of session"), "\(end.text)")
        }
    }

    @Test func `a grammar holds from its trigger on, and the trigger is no part of reasoning`() async throws {
        try await TestNode.run { node in
            let free = try await node.events(TestNode.request("Shoal is", tokens: 24)).text
            let words = free.split(separator: " ").map(String.init).filter { $0.count > 2 && $0.allSatisfy(\.isLetter) }
            let trigger = try #require(words.dropFirst(2).first)
            let place = try #require(free.ranges(of: trigger).first)
            let outcome = try await run(node) {
                $0.grammar = "root ::= \"\(trigger)\" [0-9]{5}"
                $0.grammarStart.triggers = [trigger]
            }
            let text = String(decoding: outcome.tokens, as: UTF8.self)
            #expect(text.hasPrefix(free[..<place.upperBound]))
            #expect(text.dropFirst(free[..<place.upperBound].count).wholeMatch(of: /[0-9]{5}/) != nil, "\(text)")
            #expect(outcome.finished?.reason == .stop)
            let reasoning = try await run(node, maximumTokens: 24) {
                $0.grammar = "root ::= \"\(trigger)\" [0-9]{5}"
                $0.grammarStart.triggers = [trigger]
                $0.grammarStart.reasoningEnds = ["no such text"]
                $0.grammarStart.startsInReasoning = true
            }
            #expect(String(decoding: reasoning.tokens, as: UTF8.self) == free)
        }
    }

    #if os(Linux)
        @Test func `an engine whose computing thread fails says so before it ends, and its session is resumed`()
            async throws
        {
            let log = LogRecorder()
            try await TestNode.run(log: log) { node in
                var request = TestNode.request("Shoal is", tokens: 200)
                request.ignoreEndOfGeneration = true
                let expected = try await node.events(request)
                // A blow may come after the last token, or hit another thread; then it is dealt again.
                for _ in 0..<10 {
                    // An engine that has just replaced another has no such thread before its window is there.
                    var found: Int32?
                    try await eventually {
                        _ = try? await node.inference.load(model: TestNode.model)
                        let process = await node.inference.engineProcessID(model: TestNode.model)
                        found = process.flatMap { try? computingThread(of: $0) }
                        return found != nil
                    }
                    let thread = try #require(found)
                    let list = EventList()
                    var isStruck = false
                    for try await event in try await node.inference.generate(request) {
                        list.add(event)
                        guard !isStruck, list.tokens.count >= 5 else { continue }
                        isStruck = true
                        try #require(kill(thread, SIGSEGV) == 0)
                    }
                    #expect(list.text == expected.text)
                    if log.lines.contains(where: { $0.text.contains("status=exit status 93") }) { break }
                }
                let end = try #require(log.lines.first { $0.text.contains("status=exit status 93") })
                #expect(end.level == .warning)
                #expect(end.text.contains("libllama failed (signal 11"), "\(end.text)")
            }
        }

        /// The thread that computes a process's window, by its name.
        private func computingThread(of process: Int32) throws -> Int32? {
            let folder = "/proc/\(process)/task"
            return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int32($0) }.first {
                thread in
                let name = try? String(contentsOfFile: "\(folder)/\(thread)/comm", encoding: .utf8)
                return name?.hasPrefix("window") == true
            }
        }
    #endif

    @Test func `an engine that is stuck is unloaded all the same`() async throws {
        try await TestNode.run { node in
            _ = try await node.inference.load(model: TestNode.model)
            try await node.strike(frozen: true)
            let begin = ContinuousClock.now
            #expect(try await node.inference.unload(model: TestNode.model).windowsRemoved == 1)
            #expect(begin.duration(to: .now) < .seconds(10))
            #expect(await node.inference.engineProcessID(model: TestNode.model) == nil)
            #expect(try await !node.events(TestNode.request("Shoal is", tokens: 4)).text.isEmpty)
        }
    }

    @Test func `stopping all engines takes a few seconds even when one is stuck`() async throws {
        try await TestNode.run { node in
            _ = try await node.inference.load(model: TestNode.model)
            try await node.strike(frozen: true)
            let begin = ContinuousClock.now
            await node.inference.supervisor.stopAll()
            #expect(begin.duration(to: .now) < .seconds(8))
            #expect(await node.inference.engineProcessID(model: TestNode.model) == nil)
        }
    }
}
