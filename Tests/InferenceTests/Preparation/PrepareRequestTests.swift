import Generation
import Link
import Testing

@testable import Inference

@Suite struct PrepareRequestTests {
    @Test func `an image is refused by its place, and tools that must not be called are not told of`() throws {
        var chat = Chat([
            ChatMessage(.user, "Look."), ChatMessage(.user, parts: [.text("At this."), .image(.init(url: "data:,"))]),
        ])
        let error = #expect(throws: InferenceError.self) {
            try Shoal_V1_PrepareRequest(
                GenerationRequest(model: "m", prompt: .chat(chat)), contextLength: 8, nowUnixSeconds: 0)
        }
        #expect(error?.code == .badRequest)
        #expect(error?.parameter == "messages[1].content[1].type")
        chat.messages.removeLast()
        chat.tools = [Tool(name: "look")]
        for (choice, told, named) in [
            (.auto, "auto", ""), (.none, "auto", ""), (.required, "required", ""), (.named("look"), "required", "look"),
        ] as [(ToolChoice, String, String)] {
            chat.toolChoice = choice
            let request = try Shoal_V1_PrepareRequest(
                GenerationRequest(model: "m", prompt: .chat(chat)), contextLength: 8, nowUnixSeconds: 0)
            #expect(request.chat.toolChoice == told)
            #expect(request.chat.namedTool == named)
            #expect(request.chat.tools.isEmpty == (choice == .none))
        }
    }
}
