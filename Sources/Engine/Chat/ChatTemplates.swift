internal import CEngine
internal import Foundation
internal import GGUF
internal import JSON

/// A model's chat templates, read and run by libllama-common.
///
/// Confined to one thread at a time: the library keeps what it finds out about a template in it.
package final class ChatTemplates {
    private let chat: OpaquePointer
    /// The template's text; empty where the model has none.
    package let source: String
    /// What the template can be given.
    package let capabilities: ChatCapabilities

    /// Reads the templates of a model.
    ///
    /// - Throws: ``ChatError``.
    package convenience init(model: EngineModel) throws(ChatError) {
        let (chat, error) = model.vocabulary.withModel { Self.open(model: $0, nil, nil, nil) }
        if let error { throw error }
        try self.init(chat, source: model.files.chatTemplate ?? "")
    }

    /// Reads a template that belongs to no model.
    package convenience init(source: String, beginningOfText: String, endOfText: String) throws(ChatError) {
        let (chat, error) = Self.open(model: nil, source, beginningOfText, endOfText)
        if let error { throw error }
        try self.init(chat, source: source)
    }

    private init(_ chat: OpaquePointer?, source: String) throws(ChatError) {
        guard let chat else { throw ChatError(.failed, "the template cannot be read") }
        self.chat = chat
        self.source = source
        capabilities = ChatCapabilities(
            try Self.json { answer in shoal_chat_capabilities(chat, &answer) }, source: source)
    }

    deinit { shoal_chat_close(chat) }

    private static func open(
        model: OpaquePointer?, _ source: String?, _ beginning: String?, _ end: String?
    ) -> (OpaquePointer?, ChatError?) {
        var status = SHOAL_CHAT_OK
        var text = shoal_text()
        defer { shoal_text_free(&text) }
        let chat = shoal_chat_open(model, source, beginning, end, &status, &text)
        return (chat, ChatError(status, text))
    }

    /// Renders a ``ChatRequest``, and answers with what the library made of it.
    func apply(_ request: JSONValue) throws(ChatError) -> JSONValue {
        var request = request.serialized()
        return try Self.json { answer in
            request.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { shoal_chat_apply(chat, $0.baseAddress, $0.count, &answer) }
            }
        }
    }

    /// Runs a call of the shim, and reads the JSON that it answers with.
    static func json(_ call: (inout shoal_text) -> shoal_chat_status) throws(ChatError) -> JSONValue {
        var text = shoal_text()
        defer { shoal_text_free(&text) }
        let status = call(&text)
        if let error = ChatError(status, text) { throw error }
        do {
            return try JSONValue(parsing: text.content, limits: JSONLimits(depth: 512))
        } catch {
            throw ChatError(.failed, "the chat library's answer cannot be read: \(error)")
        }
    }
}

/// What a template can be given, as the library found out by trying.
package struct ChatCapabilities: Sendable, Hashable {
    package let tools: Bool
    package let toolCalls: Bool
    package let systemRole: Bool
    /// Contents may be lists of parts.
    let typedContent: Bool
    /// The arguments of calls are objects, not texts that hold JSON.
    package let objectArguments: Bool
    /// The template wants texts without white space around them, or its models go round in circles.
    let trimsTexts: Bool

    init(_ found: JSONValue, source: String) {
        func has(_ name: String) -> Bool { found["supports_\(name)"]?.bool ?? false }
        tools = has("tools")
        toolCalls = has("tool_calls")
        systemRole = has("system_role")
        typedContent = has("typed_content")
        objectArguments = has("object_arguments")
        trimsTexts = source.contains("You have access to the following functions in JSONSchema format")
    }
}

extension ChatError {
    /// The error that a call of the shim ended with; nil where it succeeded.
    init?(_ status: shoal_chat_status, _ text: shoal_text) {
        switch status {
        case SHOAL_CHAT_OK: return nil
        case SHOAL_CHAT_RAISED: self.init(.raised, Self.raised(String(decoding: text.content, as: UTF8.self)))
        case SHOAL_CHAT_LIMIT: self.init(.limit, String(decoding: text.content, as: UTF8.self))
        case SHOAL_CHAT_NO_MEMORY: self.init(.outOfMemory, "there was not enough memory")
        default: self.init(.failed, Self.firstLines(of: String(decoding: text.content, as: UTF8.self)))
        }
    }

    /// What the template said, without the library's picture of where.
    private static func raised(_ message: String) -> String {
        guard let mark = message.range(of: "Jinja Exception: ", options: .backwards) else {
            return firstLines(of: message)
        }
        return String(message[mark.upperBound...].prefix { $0 != "\n" }.prefix(500))
    }

    private static func firstLines(of message: String) -> String {
        let lines = message.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: true)
        return String(lines.prefix(2).joined(separator: " ").prefix(500))
    }
}

extension shoal_text {
    /// The bytes, copied.
    var content: [UInt8] {
        guard let bytes else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: length))
    }
}
