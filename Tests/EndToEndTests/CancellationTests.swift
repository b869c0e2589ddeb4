import JSON
import Testing

extension EndToEnd {
    /// A client that goes away frees what it used.
    @Suite struct CancellationTests {
        @Test(arguments: [["all"], ["0-1", "2-3"]])
        func `closing the connections ends their sessions within a second`(shards: [String]) async throws {
            let setups = shards.enumerated().map { NodeSetup(name: "node-\($0.offset)", shards: $0.element) }
            try await withSwarm(setups) { nodes in
                let node = nodes[0]
                _ = try await node.exactCompletion("warm up")
                try await withThrowingTaskGroup { group in
                    for index in 0..<6 {
                        group.addTask {
                            let request = DemoPrompts.long("Story number \(index):", tokens: 450)
                            try await node.stream("/v1/completions", request) { _, _ in false }
                        }
                    }
                    try await group.waitForAll()
                }
                _ = try await eventually("the sessions are gone", within: .seconds(1)) {
                    try await node.get("/api/admin/stats")["active_requests"]?.integer == 0 ? true : nil
                }
                // What the engines had for them is free again: as many sessions fit at once as before.
                let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                    for question in DemoPrompts.questions {
                        group.addTask {
                            try await node.request(.post, "/v1/chat/completions", DemoPrompts.chat(question)).status
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.allSatisfy { $0 == 200 })
            }
        }
    }
}
