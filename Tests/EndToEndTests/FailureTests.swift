import JSON
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension EndToEnd {
    /// What breaks mid-answer makes a pause, not an error.
    @Suite struct FailureTests {
        /// What happens to the node that serves the second half of the model.
        enum Disturbance: String, CaseIterable, Sendable {
            case killedEngine, killedNode, frozenNode, frozenEngine
        }

        @Test(arguments: Disturbance.allCases)
        func `an answer goes on when the node of its second half fails`(disturbance: Disturbance) async throws {
            let setups = [
                NodeSetup(name: "first", shards: "0-1"),
                NodeSetup(name: "second", shards: "2-3", diesInTest: true),
                NodeSetup(name: "spare", shards: "2-3", diesInTest: true),
            ]
            try await withSwarm(setups) { nodes in
                let expected = try await answers(nodes[0])
                let ids = try await nodes.dropFirst().asyncMap { (try await $0.id.prefix(16), $0) }
                let outcome = try await answers(nodes[0]) { route in
                    let serving = try #require(ids.first { route.contains($0.0) }?.1, "\(route)")
                    disturb(serving, disturbance)
                }
                #expect(outcome.texts == expected.texts)
                #expect(outcome.longestPause < .seconds(5), "a pause of \(outcome.longestPause)")
                let reroutes = try await reroutes(nodes[0])
                #expect(reroutes > 0, "the disturbance came after the answer")
            }
        }

        @Test func `an answer goes on when its node's own engine is killed`() async throws {
            try await withNode(.whole) { node in
                let expected = try await answers(node)
                let outcome = try await answers(node) { _ in
                    for engine in node.engines { ProcessTable.signal(engine, SIGKILL) }
                }
                #expect(outcome.texts == expected.texts)
                #expect(outcome.longestPause < .seconds(5), "a pause of \(outcome.longestPause)")
                #expect(try await reroutes(node) > 0, "the engine was killed after the answer")
            }
        }

        @Test func `when nobody is left to serve a layer, the client is told, and asking again works once it is back`()
            async throws
        {
            let setups = [
                NodeSetup(name: "first", shards: "0-1"), NodeSetup(name: "second", shards: "2-3", diesInTest: true),
            ]
            try await withSwarm(setups) { nodes in
                nodes[1].kill()
                let answer = try await nodes[0].request(
                    .post, "/v1/completions", DemoPrompts.exactCompletion("What is Shoal?"))
                #expect(answer.status == 503, "\(String(decoding: answer.body, as: UTF8.self))")
                #expect(try answer.json["error"]?["message"]?.string?.isEmpty == false)
            }
        }

        /// Asks all questions at once and reads the streamed answers; `meanwhile` is called once, when ten pieces have
        /// come, with the route of the answer that the tenth belongs to.
        private func answers(
            _ node: TestNode, meanwhile: @escaping @Sendable (String) throws -> Void = { _ in }
        ) async throws -> (texts: [String: String], longestPause: Duration) {
            let pieces = PieceCount()
            return try await withThrowingTaskGroup(of: (String, String, Duration).self) { group in
                for question in DemoPrompts.questions {
                    group.addTask {
                        var text = ""
                        var last: ContinuousClock.Instant?
                        var longest = Duration.zero
                        let request = DemoPrompts.chat(question, stream: true)
                        try await node.stream("/v1/chat/completions", request) { event, route in
                            if let error = event["error"] {
                                throw DeadlineExceeded(description: "the answer failed: \(error)")
                            }
                            text += event["choices"]?[0]?["delta"]?["content"]?.string ?? ""
                            let now = ContinuousClock.now
                            if let last { longest = max(longest, now - last) }
                            last = now
                            if pieces.next() == 10 { try meanwhile(route) }
                            return true
                        }
                        return (question, text, longest)
                    }
                }
                return try await group.reduce(into: (texts: [:], longestPause: .zero)) { result, answer in
                    result.texts[answer.0] = answer.1
                    result.longestPause = max(result.longestPause, answer.2)
                }
            }
        }

        private func disturb(_ node: TestNode, _ disturbance: Disturbance) {
            switch disturbance {
            case .killedEngine: for engine in node.engines { ProcessTable.signal(engine, SIGKILL) }
            case .killedNode: node.kill()
            case .frozenNode: node.freeze()
            case .frozenEngine: for engine in node.engines { ProcessTable.signal(engine, SIGSTOP) }
            }
        }

        private func reroutes(_ node: TestNode) async throws -> Double {
            let answer = try await node.request(.get, "/metrics")
            let line = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix("shoal_reroutes_total") }
            return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
        }
    }
}

/// Pieces of answers that have come, over several streams.
private final class PieceCount: Sendable {
    private let count = Mutex(0)

    /// Counts one more.
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

extension Sequence {
    /// `map` with a transformation that waits.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
