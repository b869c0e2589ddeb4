import JSON
import ShoalTestSupport
import Testing

extension EndToEnd {
    /// However many nodes share the model, the answer is the same.
    @Suite struct SameAnswerTests {
        @Test(arguments: [["0-1", "2-3"], ["0", "1-2", "3"]])
        func `nodes that share a model give every number that one node gives`(shards: [String]) async throws {
            try await compare(shards, file: BuildProducts.demoModel)
        }

        @Test func `the same holds for random weights`() async throws {
            try await RandomWeights.withFile { file in
                try await compare(["0", "1-2", "3"], file: file)
            }
        }

        private func compare(_ shards: [String], file: String) async throws {
            let prompts =
                DemoPrompts.questions.prefix(3) + [String(repeating: "A shoal is a school of fish. ", count: 20)]
            let whole = try await withNode(NodeSetup(shards: "all", modelFile: file, environment: sameKernels)) {
                node in
                var answers: [ExactCompletion] = []
                for prompt in prompts { answers.append(try await node.exactCompletion(prompt)) }
                return answers
            }
            #expect(whole.allSatisfy { $0.logProbabilities["token_logprobs"]?.array?.count ?? 0 > 48 })
            try await withSwarm(sharing(shards, file: file, environment: sameKernels)) { nodes in
                for (prompt, expected) in zip(prompts, whole) {
                    for node in nodes {
                        let answer = try await node.exactCompletion(prompt)
                        #expect(answer == expected, "\(prompt.prefix(40)) asked of \(node.name)")
                        #expect(answer.route.split(separator: ",").count == shards.count, "\(answer.route)")
                    }
                }
            }
        }

        @Test func `eight sessions at once over two nodes are answered as one after the other on one node`()
            async throws
        {
            let alone = try await withNode(.whole) { node in
                var answers: [String: String] = [:]
                for question in DemoPrompts.questions { answers[question] = try await node.ask(question).text }
                return answers
            }
            #expect(Set(alone.values).count > 4, "the questions are to have different answers")
            try await withSwarm(sharing(["0-1", "2-3"])) { nodes in
                let together = try await withThrowingTaskGroup(of: (String, String).self) { group in
                    for (index, question) in DemoPrompts.questions.enumerated() {
                        group.addTask { (question, try await nodes[index % 2].ask(question).text) }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                #expect(together == alone)
            }
        }

        @Test func `a streamed answer is the same text, and tells usage at its end`() async throws {
            try await withNode(.whole) { node in
                let (expected, _) = try await node.ask("What is Shoal?")
                var text = ""
                var usage: JSONValue?
                var request = DemoPrompts.chat("What is Shoal?", stream: true)
                request["stream_options"] = ["include_usage": true]
                let route = try await node.stream("/v1/chat/completions", request) { event, _ in
                    text += event["choices"]?[0]?["delta"]?["content"]?.string ?? ""
                    if let found = event["usage"], !found.isNull { usage = found }
                    return true
                }
                #expect(text == expected && !text.isEmpty)
                #expect(usage?["completion_tokens"]?.integer ?? 0 > 1)
                #expect(!route.isEmpty)
            }
        }

        /// Each engine picks the faster weight layout by measuring; numbers are equal only between equal kernels.
        private let sameKernels = ["SHOAL_ENGINE_WEIGHT_LAYOUT": "plain"]

        private func sharing(
            _ shards: [String], file: String = BuildProducts.demoModel, environment: [String: String] = [:]
        ) -> [NodeSetup] {
            shards.enumerated().map {
                NodeSetup(
                    name: "node-\($0.offset)", shards: $0.element, modelFile: file, environment: environment)
            }
        }
    }
}
