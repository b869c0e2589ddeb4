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
        case .chat(let messages, let tools, let choice, let arguments):
            let choice = ToolChoice(choice)
            chat = .with {
                $0.messages = JSONValue.array(messages).serialized()
                if choice != .none, !tools.isEmpty { $0.tools = JSONValue.array(tools).serialized() }
                switch choice {
                case .none, .auto: $0.toolChoice = "auto"
                case .required: $0.toolChoice = "required"
                case .named(let name):
                    $0.toolChoice = "required"
                    $0.namedTool = name
                }
                $0.parallelToolCalls = request.allowsParallelToolCalls
                $0.continues = request.continuesLastMessage
                $0.readsAnswer = request.parseToolCalls
                $0.nowUnixSeconds = Int64(nowUnixSeconds)
                if !arguments.isEmpty {
                    $0.variables = JSONValue.object(arguments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
                        .serialized()
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
}

/// OpenAI's `tool_choice`, read.
private enum ToolChoice: Equatable {
    case none
    case auto
    case required
    case named(String)

    init(_ choice: JSONValue?) {
        switch choice {
        case "none": self = .none
        case "required": self = .required
        case let choice? where choice["function"]?["name"]?.string != nil:
            self = .named(choice["function"]?["name"]?.string ?? "")
        default: self = .auto
        }
    }
}
