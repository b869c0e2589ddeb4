internal import CEngine
internal import JSON

/// Takes one answer apart as it grows: text, reasoning, tool calls.
///
/// Confined to one thread at a time.
package final class AnswerReader {
    /// Something new in the answer.
    package enum Delta: Sendable, Equatable {
        case content(String)
        case reasoning(String)
        /// More of a call; the first piece of each has its name, and an id where the model gave one.
        case toolCall(index: Int, id: String, name: String?, arguments: String)
    }

    private let answer: OpaquePointer

    /// - Parameter form: What ``ChatPrompter`` gave with the prompt.
    /// - Throws: ``ChatError``.
    package init(form: String) throws(ChatError) {
        var status = SHOAL_CHAT_OK
        var text = shoal_text()
        defer { shoal_text_free(&text) }
        let answer = shoal_answer_open(form, form.utf8.count, &status, &text)
        if let error = ChatError(status, text) { throw error }
        guard let answer else { throw ChatError(.failed, "the answer's form cannot be read") }
        self.answer = answer
    }

    deinit { shoal_answer_close(answer) }

    /// Adds text, and says what is new. After the last text nothing is held back.
    ///
    /// - Throws: ``ChatError``; with `limit` past 8 MiB.
    package func append(_ bytes: [UInt8], isLast: Bool) throws(ChatError) -> [Delta] {
        let found = try ChatTemplates.json { deltas in
            bytes.withUnsafeBytes { raw in
                shoal_answer_append(
                    answer, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count, isLast, &deltas)
            }
        }
        return (found.array ?? []).compactMap(Delta.init)
    }
}

extension AnswerReader.Delta {
    fileprivate init?(_ delta: JSONValue) {
        if let text = delta["content"]?.string {
            self = .content(text)
        } else if let text = delta["reasoning"]?.string {
            self = .reasoning(text)
        } else if let index = delta["index"]?.integer {
            self = .toolCall(
                index: index, id: delta["id"]?.string ?? "", name: delta["name"]?.string,
                arguments: delta["arguments"]?.string ?? "")
        } else {
            return nil
        }
    }
}
