import Generation
import JSON
import Link
import SwiftProtobuf
import Testing

@testable import Cluster

@Suite("Requests on their way to workers")
struct RequestWireTests {
    @Test("A request survives the wire whole")
    func wire() throws {
        var chat = Chat(
            [
                ChatMessage(.system, "Be brief."),
                ChatMessage(.user, parts: [.text("Grüße\n"), .text(""), .image(.init(url: "data:,", detail: "low"))]),
                ChatMessage(
                    .assistant, parts: [], reasoning: "Hm.",
                    toolCalls: [ToolCall(id: "a", name: "look", arguments: "{"), ToolCall(name: "see", arguments: "")]),
                ChatMessage(.tool, parts: [.text("1")], toolCallID: "a", name: "look"), ChatMessage(.assistant, "A"),
            ],
            tools: [
                Tool(name: "look", description: "Looks", parameters: ["type": "object"], isStrict: true),
                Tool(name: "see"),
            ], toolChoice: .named("look"))
        chat.templateArguments = ["enable_thinking": false]
        chat.allowsParallelToolCalls = false
        chat.continuesLastMessage = true
        var whole = GenerationRequest(model: "tiny", prompt: .chat(chat))
        whole.sampling.temperature = 0.25
        whole.sampling.topK = 3
        whole.sampling.repeatLastN = -1
        whole.sampling.logitBias = [7: 1.5]
        whole.maximumTokens = 12
        whole.stop = ["END", "\n"]
        whole.topLogProbabilities = 0
        whole.echo = true
        whole.cachePrompt = false
        whole.ignoreEndOfGeneration = true
        whole.responseFormat = .jsonSchema(["type": "object"])
        whole.parseToolCalls = true
        let bytes: [UInt8] = try Shoal_V1_GenerationJob(whole, seed: 42).serializedBytes()
        let read = try GenerationRequest(Shoal_V1_GenerationJob(serializedBytes: bytes))
        whole.sampling.seed = 42
        #expect(String(describing: read) == String(describing: whole))
        var plain = GenerationRequest(model: "tiny", prompt: .tokens([1, 2, 3]))
        plain.sampling.seed = 1
        let again = try GenerationRequest(Shoal_V1_GenerationJob(plain, seed: 1))
        #expect(String(describing: again) == String(describing: plain))
    }
}
