import Generation
import JSON
import Link
import SwiftProtobuf

extension Shoal_V1_PrepareRequest {
    /// What the preparation process is told of a request.
    ///
    /// - Throws: `InferenceError` where the request contradicts itself.
    init(_ request: GenerationRequest, contextLength: Int, nowUnixSeconds: Int) throws(InferenceError) {
        self.init()
        self.contextLength = UInt32(clamping: contextLength)
        wantsText = request.echo
        switch request.prompt {
        case .chat(let given):
            try Self.refuseImages(in: given.messages)
            chat = .with {
                $0.messages = JSONValue.array(given.messages.map(\.json)).serialized()
                if given.toolChoice != .none, !given.tools.isEmpty {
                    $0.tools = JSONValue.array(given.tools.map(\.json)).serialized()
                }
                $0.toolChoice = given.toolChoice.isBinding ? "required" : "auto"
                if case .named(let name) = given.toolChoice { $0.namedTool = name }
                $0.parallelToolCalls = given.allowsParallelToolCalls
                $0.continues = given.continuesLastMessage
                $0.readsAnswer = request.parseToolCalls
                $0.nowUnixSeconds = Int64(nowUnixSeconds)
                if !given.templateArguments.isEmpty {
                    let arguments = given.templateArguments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                    $0.variables = JSONValue.object(arguments).serialized()
                }
            }
        case .text(let text):
            plain = .with {
                $0.text = text
                $0.addSpecial = true
                $0.parseSpecial = true
            }
        case .tokens(let given): tokens = .with { $0.tokens = given }
        }
        switch request.responseFormat {
        case .text: break
        case .jsonObject: jsonObject = true
        case .jsonSchema(let schema): jsonSchema = schema.serialized()
        case .grammar(let text): grammar = text
        }
    }

    private static func refuseImages(in messages: [ChatMessage]) throws(InferenceError) {
        for (index, message) in messages.enumerated() {
            for (number, part) in message.parts.enumerated() {
                guard case .image = part else { continue }
                let place = "messages[\(index)].content[\(number)].type"
                throw .badRequest(place, "\(place): this node takes text, not image_url")
            }
        }
    }
}
