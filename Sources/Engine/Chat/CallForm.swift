internal import Foundation
internal import Generation
internal import JSON

/// How a model's tool calls are read and held to: as the library derives it from the template, with a repair, or in a form of ours.
struct CallForm: Sendable, Equatable {
    /// Forms for models whose templates write no calls.
    enum Borrowed: String, Sendable {
        /// `<tool_call>` with an object, which most models have seen.
        case toolCall = "tool_call"
        /// `<|tool_call|>` with a list, which some templates ask for but never write.
        case toolList = "tool_list"
    }

    /// The number of the repair in ChatRepairs.cpp; nil where none is needed.
    var repair: Int?
    var borrowed: Borrowed?
    /// Whether two calls in one answer are understood.
    var allowsParallelCalls = true
}

/// Finds the form of a model's calls by trying: what the template writes of a call in the past is what its model writes, and must be
/// understood.
struct CallFormCheck {
    private static let repairs = 1...5
    private static let cities = ["Genf-Cornavin", "Bern"]
    private static let text = "I look it up."
    private static let user = ChatMessage(.user, "Is it warm by the lake?")
    private static let tools = [
        Tool(
            name: "get_weather", description: "The weather of a city",
            parameters: [
                "type": "object", "properties": ["city": ["type": "string", "description": "Name of the city"]],
                "required": ["city"],
            ])
    ]
    /// Templates want ids of calls in forms of their own.
    private static let ids = [["call12340", "call12341"], ["functions.get_weather:0", "functions.get_weather:1"]]

    let templates: ChatTemplates

    /// What a template is asked to write, and the reader is to understand.
    private struct Case {
        var text = ""
        var calls: Int
    }

    /// The first form that understands everything; where none does, the one that understands most.
    func chosen() -> CallForm {
        guard let required = try? made(callable: true, toolChoice: .required),
            required["grammar"]?.string?.isEmpty == false
        else { return CallForm(borrowed: templates.source.contains("<|tool_call|>") ? .toolList : .toolCall) }
        let answers = [Case(calls: 1), Case(calls: 2), Case(text: Self.text, calls: 1)].map(written)
        var best = CallForm()
        var most = -1
        var tried: Set<String> = []
        for repair in [nil] + Self.repairs.map(Optional.some) {
            guard let form = try? made(callable: true, repair: repair)["form"]?.string, tried.insert(form).inserted
            else {
                continue
            }
            // What a template does not write counts as understood.
            let understood = answers.map { $0.isEmpty || $0.contains { $0.isUnderstood(by: form) } }
            // Without a single call nothing is gained.
            let count = understood[0] ? understood.count { $0 } : 0
            if count > most {
                most = count
                best = CallForm(repair: repair, allowsParallelCalls: count == 0 || understood[1])
            }
            if count == understood.count { break }
        }
        return best
    }

    // MARK: - What the template writes

    /// An answer as it may have been meant, and what is to be understood of it.
    private struct Answer {
        var bytes: String
        var text: String
        var cities: [String]

        func isUnderstood(by form: String) -> Bool {
            guard let reader = try? AnswerReader(form: form),
                let deltas = try? reader.append(Array(bytes.utf8), isLast: true)
            else { return false }
            var calls: [String] = []
            var said = ""
            for delta in deltas {
                switch delta {
                case .content(let text): said += text
                case .reasoning: break
                case .toolCall(let index, _, let name, let arguments):
                    if let name {
                        guard name == "get_weather", index == calls.count else { return false }
                        calls.append("")
                    }
                    guard index < calls.count else { return false }
                    calls[index] += arguments
                }
            }
            let understood = calls.map { (try? JSONValue(parsing: $0))?["city"]?.string }
            return understood == cities && (text.isEmpty ? said.trimmed.isEmpty : said.contains(text))
        }
    }

    /// The answer of a case, cut out of the prompt in every way that it may begin and end; none where the template does not write it.
    private func written(_ wanted: Case) -> [Answer] {
        guard let past = try? prompt([Self.user], generation: false),
            let asking = try? prompt([Self.user], generation: true)
        else { return [] }
        let before = past.commonPrefix(with: asking, options: .literal)
        let opening = String(asking.dropFirst(before.count))
        let plain = (try? prompt([Self.user, Self.assistant(Self.text)], generation: false)) ?? ""
        let end = plain.range(of: Self.text, options: .backwards).map { String(plain[$0.upperBound...]).trimmed } ?? ""
        let cities = Array(Self.cities.prefix(wanted.calls))
        for ids in Self.ids {
            let message = Self.assistant(wanted.text, calls: zip(ids, cities).map { ($0, $1) })
            guard let whole = try? prompt([Self.user, message], generation: false) else { continue }
            // No text contains an empty one.
            let texts = cities + (wanted.text.isEmpty ? [] : [wanted.text])
            guard whole.hasPrefix(before), texts.allSatisfy({ whole.contains($0) }) else { continue }
            let turn = String(whole.dropFirst(before.count))
            let header = turn.commonPrefix(with: opening, options: .literal)
            let rest = String(turn.dropFirst(header.count)).trimmed
            // The text must come first: models write it before they call.
            if !wanted.text.isEmpty, let text = rest.range(of: wanted.text), let city = rest.range(of: cities[0]),
                city.lowerBound < text.lowerBound
            {
                continue
            }
            // The end of a turn with calls may be another one than that of a text.
            var bodies = [rest, String(rest.dropLast(rest.commonSuffixCount(with: end))).trimmed]
            for body in bodies { bodies.append(body.withoutLastTag) }
            let ends = (try? made(callable: false)["thinking_ends"]?.array?.compactMap(\.string)) ?? []
            let begins = header.count < opening.count ? [""] + ends : [""]
            return begins.flatMap { begin in
                bodies.map { Answer(bytes: begin + $0, text: wanted.text, cities: cities) }
            }
        }
        return []
    }

    private static func assistant(_ text: String, calls: [(id: String, city: String)] = []) -> ChatMessage {
        var message = ChatMessage(.assistant, text)
        message.toolCalls = calls.map { call in
            let arguments = JSONValue.object([("city", .string(call.city))])
            return ToolCall(
                id: call.id, name: "get_weather", arguments: arguments.serialized(.python(ensuresASCII: false)))
        }
        return message
    }

    // MARK: - Asking

    private func prompt(_ messages: [ChatMessage], generation: Bool) throws(ChatError) -> String {
        try made(messages, generation: generation, callable: false)["prompt"]?.string ?? ""
    }

    private func made(
        _ messages: [ChatMessage] = [user], generation: Bool = true, callable: Bool,
        toolChoice: ToolChoice = .auto, repair: Int? = nil
    ) throws(ChatError) -> JSONValue {
        let conversation = try Conversation(messages, tools: Self.tools)
        var options = ChatOptions(nowUnixSeconds: 0)
        options.toolChoice = toolChoice
        var numbers = KeptNumbers { [] }
        var request = ChatRequest(
            conversation: conversation, options: options, callForm: CallForm(repair: repair)
        ).json(templates.capabilities, &numbers)
        request["generation"] = .bool(generation)
        if !callable { request["callable"] = nil }
        return try templates.apply(request)
    }
}

extension String {
    fileprivate func commonSuffixCount(with other: String) -> Int {
        zip(reversed(), other.reversed()).prefix { $0 == $1 }.count
    }

    /// Without a tag at its end.
    fileprivate var withoutLastTag: String {
        guard last == ">" || last == "]", let begin = lastIndex(where: { $0 == "<" || $0 == "[" }) else { return self }
        return String(self[..<begin]).trimmed
    }
}
