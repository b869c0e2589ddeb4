import ChatTemplate
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

        private let prompt = "A shoal of fish swims as one because"
        private let tokens = 300

        @Test(arguments: Disturbance.allCases)
        func `an answer goes on when the node of its second half fails`(disturbance: Disturbance) async throws {
            let setups = [
                NodeSetup(name: "first", shards: "0-1"),
                NodeSetup(name: "second", shards: "2-3", diesInTest: true),
                NodeSetup(name: "spare", shards: "2-3", diesInTest: true),
            ]
            try await withSwarm(setups) { nodes in
                let expected = try await completion(nodes[0])
                let ids = try await nodes.dropFirst().asyncMap { (try await $0.id.prefix(16), $0) }
                let outcome = try await completion(nodes[0]) { route in
                    let serving = try #require(ids.first { route.contains($0.0) }?.1, "\(route)")
                    disturb(serving, disturbance)
                }
                #expect(outcome.text == expected.text)
                #expect(outcome.longestPause < .seconds(5), "a pause of \(outcome.longestPause)")
                let reroutes = try await reroutes(nodes[0])
                #expect(reroutes > 0, "the disturbance came after the answer")
            }
        }

        @Test func `an answer goes on when its node's own engine is killed`() async throws {
            try await withNode(.whole) { node in
                let expected = try await completion(node)
                let outcome = try await completion(node) { _ in
                    for engine in node.engines { ProcessTable.signal(engine, SIGKILL) }
                }
                #expect(outcome.text == expected.text)
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
                let answer = try await nodes[0].request(.post, "/v1/completions", DemoPrompts.exactCompletion(prompt))
                #expect(answer.status == 503, "\(String(decoding: answer.body, as: UTF8.self))")
                #expect(try answer.json["error"]?["message"]?.string?.isEmpty == false)
            }
        }

        /// A streamed completion; `meanwhile` is called with its route after its tenth token.
        private func completion(
            _ node: TestNode, meanwhile: (String) throws -> Void = { _ in }
        ) async throws -> (text: String, longestPause: Duration) {
            let route = try await node.exactCompletion(prompt).route
            var text = ""
            var events = 0
            var last: ContinuousClock.Instant?
            var longestPause = Duration.zero
            try await node.stream("/v1/completions", DemoPrompts.long(prompt, tokens: tokens)) { event in
                if let error = event["error"] { throw DeadlineExceeded(description: "the answer failed: \(error)") }
                text += event["choices"]?[0]?["text"]?.string ?? ""
                events += 1
                let now = ContinuousClock.now
                if let last { longestPause = max(longestPause, now - last) }
                last = now
                if events == 10 { try meanwhile(route) }
                return true
            }
            return (text, longestPause)
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

extension Sequence {
    /// `map` with a transformation that waits.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
