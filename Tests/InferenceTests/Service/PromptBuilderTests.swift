import ChatTemplate
import Inference
import Link
import Testing

struct PromptBuilderTests {
    private func prompt(
        _ messages: [JSONValue], tools: [JSONValue] = [], template: String = ""
    ) throws -> String {
        var model = Shoal_V1_ModelDescription()
        model.chatTemplate = template
        model.beginningOfText = "<s>"
        return try PromptBuilder().prompt(messages: messages, tools: tools, arguments: [:], model: model)
    }

    @Test func `a model without a template gets ChatML`() throws {
        #expect(
            try prompt([["role": "system", "content": "Be brief."], ["role": "user", "content": "Hi"]])
                == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    }

    @Test func `text parts are joined, other parts are refused by name`() throws {
        let template = "{{ messages[0].content }}"
        #expect(
            try prompt(
                [["role": "user", "content": [["type": "text", "text": "a"], ["type": "text", "text": "b"]]]],
                template: template) == "ab")
        let error = #expect(throws: InferenceError.self) {
            try prompt([["role": "user", "content": [["type": "image_url"]]]], template: template)
        }
        #expect(error?.code == .badRequest && error?.parameter == "messages")
        #expect(error?.message.contains("image_url") == true)
    }

    @Test func `arguments of tool calls reach the template as objects`() throws {
        let call: JSONValue = ["type": "function", "function": ["name": "f", "arguments": "{\"a\": 1}"]]
        #expect(
            try prompt(
                [["role": "assistant", "tool_calls": [call]]],
                template: "{{ messages[0].tool_calls[0].function.arguments.a }}{{ messages[0].content is none }}")
                == "1True")
    }

    @Test func `what a template refuses is the request's fault, a broken template is not`() throws {
        let refused = #expect(throws: InferenceError.self) {
            try prompt([["role": "user", "content": "x"]], template: "{{ raise_exception('only assistants') }}")
        }
        #expect(refused?.code == .badRequest)
        #expect(refused?.message.contains("only assistants") == true)
        let broken = #expect(throws: InferenceError.self) {
            try prompt([["role": "user", "content": "x"]], template: "{% if %}")
        }
        #expect(broken?.code == .unsupported)
    }
}
