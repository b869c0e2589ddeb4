internal import Generation
internal import JSON

/// A change of a conversation's form, for templates that refuse it or lose a part of it as it is.
///
/// Several may be needed at once; they are applied in this order.
enum Mending: CaseIterable, Sendable {
    /// Parts of a user's message become one text.
    case joinedParts
    /// Arguments of calls that are no JSON object become an empty one.
    case emptyArguments
    /// Ids of calls become nine letters and digits (Mistral).
    case shortIDs
    /// An assistant's calls come one by one, each before its result (Llama 3).
    case singleCalls
    /// Text beside calls comes in a message of its own.
    case splitCalls
    /// As ``splitCalls``, and the user says nothing in between, where roles have to alternate (Mistral).
    case spacedCalls
    /// Reasoning of earlier turns goes.
    case noReasoning
    /// Messages that set the rules in the middle of a conversation become the user's.
    case lateRules
    /// Neighbours of one role become one message.
    case mergedNeighbours
    /// Between a result and what the user says next the assistant says nothing.
    case silentAnswer
    /// A conversation that the assistant begins gets an empty message of the user before.
    case userFirst
    /// What sets the rules becomes the beginning of the user's first message.
    case rulesOfUser
    /// The list of tools comes in a variable, as one text (Firefunction).
    case functionsVariable
    /// Calls of the past are written into the assistant's text; tools and results stay.
    case callsInText
    /// The list of tools is a text; calls and results stay.
    case toolsInText
    /// Tools, calls and results are told in text.
    case toolsAsText

    /// How much is changed, in steps of the mildest change. What a template cannot do at all is done in its place at once.
    private func weight(_ capabilities: ChatCapabilities) -> Int {
        switch self {
        case .emptyArguments, .shortIDs, .singleCalls, .splitCalls, .mergedNeighbours, .silentAnswer: 2
        case .joinedParts: 1
        case .noReasoning, .userFirst, .rulesOfUser: 3
        case .lateRules: 3
        case .functionsVariable, .spacedCalls: 4
        case .callsInText: capabilities.tools && !capabilities.toolCalls ? 2 : 7
        case .toolsInText: capabilities.toolCalls && !capabilities.tools ? 2 : 7
        case .toolsAsText: capabilities.toolCalls || capabilities.tools ? 9 : 1
        }
    }

    /// Up to three changes at once, the mildest first.
    static func orders(_ capabilities: ChatCapabilities) -> [[Mending]] {
        var sets: [[Mending]] = []
        var last: [[Mending]] = [[]]
        for _ in 0..<3 {
            last = last.flatMap { set in
                allCases.drop { $0 != set.last && !set.isEmpty }.dropFirst(set.isEmpty ? 0 : 1).map { set + [$0] }
            }
            sets += last
        }
        let weighed = sets.map { set in (set, set.reduce(0) { $0 + $1.weight(capabilities) }) }
        return weighed.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element.0)
    }

    /// The conversation in the other form; nil where that would change nothing.
    func apply(to conversation: Conversation) -> Conversation? {
        var result = conversation
        switch self {
        case .joinedParts:
            guard conversation.messages.contains(where: { !$0.parts.isEmpty }) else { return nil }
            for index in result.messages.indices { result.messages[index].content += "" }
        case .emptyArguments:
            let isBroken = conversation.messages.flatMap(\.calls).contains {
                !$0.arguments.trimmed.isEmpty && (try? JSONValue(parsing: $0.arguments))?.object == nil
            }
            guard isBroken else { return nil }
            for index in result.messages.indices {
                for call in result.messages[index].calls.indices
                where (try? JSONValue(parsing: result.messages[index].calls[call].arguments))?.object == nil {
                    result.messages[index].calls[call].arguments = "{}"
                }
            }
        case .shortIDs:
            guard conversation.messages.contains(where: { !$0.calls.isEmpty || $0.callID != nil }) else { return nil }
            result.shortenIDs()
        case .singleCalls:
            guard conversation.messages.contains(where: { $0.calls.count > 1 }) else { return nil }
            result.separateCalls()
        case .splitCalls, .spacedCalls:
            guard conversation.messages.contains(where: { !$0.calls.isEmpty && !$0.content.trimmed.isEmpty }) else {
                return nil
            }
            result.messages = conversation.messages.flatMap { message -> [Conversation.Message] in
                guard !message.calls.isEmpty, !message.content.trimmed.isEmpty else { return [message] }
                var text = message
                var calls = message
                text.calls = []
                calls.content = ""
                calls.reasoning = nil
                return self == .splitCalls
                    ? [text, calls] : [text, Conversation.Message(role: .user, content: ""), calls]
            }
        case .noReasoning:
            guard conversation.messages.contains(where: { $0.reasoning != nil }) else { return nil }
            for index in result.messages.indices { result.messages[index].reasoning = nil }
        case .lateRules:
            guard conversation.messages.dropFirst().contains(where: \.setsRules) else { return nil }
            for index in result.messages.indices.dropFirst() where result.messages[index].setsRules {
                result.messages[index].role = .user
            }
        case .mergedNeighbours:
            guard zip(conversation.messages, conversation.messages.dropFirst()).contains(where: { $0.joins($1) }) else {
                return nil
            }
            result.mergeNeighbours()
        case .silentAnswer:
            let isNeeded = zip(conversation.messages, conversation.messages.dropFirst()).contains {
                $0.role == .tool && $1.role == .user
            }
            guard isNeeded else { return nil }
            result.messages = []
            for message in conversation.messages {
                if message.role == .user, result.messages.last?.role == .tool {
                    result.messages.append(Conversation.Message(role: .assistant, content: ""))
                }
                result.messages.append(message)
            }
        case .userFirst:
            guard let first = conversation.messages.firstIndex(where: { !$0.setsRules }),
                conversation.messages[first].role == .assistant
            else { return nil }
            result.messages.insert(Conversation.Message(role: .user, content: " "), at: first)
        case .rulesOfUser:
            guard let first = conversation.messages.first, first.setsRules else { return nil }
            result.messages.removeFirst()
            if let next = result.messages.first, next.role == .user {
                result.messages[0].content = first.content + "\n\n" + next.content
            } else {
                result.messages.insert(Conversation.Message(role: .user, content: first.content), at: 0)
            }
        case .functionsVariable:
            guard !conversation.tools.isEmpty else { return nil }
            result.givesFunctions = true
        case .callsInText:
            guard conversation.messages.contains(where: { !$0.calls.isEmpty }) else { return nil }
            for index in result.messages.indices { result.messages[index].writeCallsAsText() }
        case .toolsInText:
            guard !conversation.tools.isEmpty, conversation.telling == .template else { return nil }
            result.telling = .list
            result.tellTools("You may call these functions:\n")
        case .toolsAsText:
            let hasTools =
                !conversation.tools.isEmpty
                || conversation.messages.contains { !$0.calls.isEmpty || $0.role == .tool }
            guard hasTools, conversation.telling == .template else { return nil }
            result.writeToolsAsText()
        }
        return result
    }
}

extension Conversation.Message {
    var setsRules: Bool { role == .system }

    /// Whether the next message may become a part of this one.
    func joins(_ next: Conversation.Message) -> Bool {
        role == next.role && role != .tool && calls.isEmpty && next.calls.isEmpty
    }
}

extension Conversation {
    fileprivate mutating func shortenIDs() {
        var known: [String: String] = [:]
        var taken: Set<String> = []
        func short(_ id: String) -> String {
            if let known = known[id] { return known }
            let letters = id.unicodeScalars.filter {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0))
            }
            var short = String(String.UnicodeScalarView(letters.suffix(9)))
            short = String(repeating: "0", count: 9 - short.count) + short
            var number = 0
            while !taken.insert(short).inserted {
                number += 1
                let digits = String(number)
                short = String(repeating: "0", count: max(0, 9 - digits.count)) + digits
            }
            known[id] = short
            return short
        }
        for index in messages.indices {
            for call in messages[index].calls.indices {
                messages[index].calls[call].id = short(messages[index].calls[call].id)
            }
            messages[index].callID = messages[index].callID.map(short)
        }
    }

    fileprivate mutating func separateCalls() {
        var result: [Message] = []
        var results = Dictionary(grouping: messages.filter { $0.role == .tool && $0.callID != nil }) {
            $0.callID ?? ""
        }
        for message in messages {
            if message.role == .tool, let id = message.callID {
                // Results that were not put behind their call keep their place.
                guard results[id]?.isEmpty == false else { continue }
                result.append(results[id]?.removeFirst() ?? message)
                continue
            }
            guard message.calls.count > 1 else {
                result.append(message)
                continue
            }
            for (number, call) in message.calls.enumerated() {
                var one = message
                one.calls = [call]
                if number > 0 {
                    one.content = ""
                    one.reasoning = nil
                }
                result.append(one)
                if results[call.id]?.isEmpty == false, let answer = results[call.id]?.removeFirst() {
                    result.append(answer)
                }
            }
        }
        messages = result
    }

    fileprivate mutating func mergeNeighbours() {
        var result: [Message] = []
        for message in messages {
            if let last = result.last, last.joins(message) {
                let texts = [last.content, message.content].filter { !$0.isEmpty }
                result[result.count - 1].content = texts.joined(separator: "\n\n")
                result[result.count - 1].reasoning = last.reasoning ?? message.reasoning
            } else {
                result.append(message)
            }
        }
        messages = result
    }

    /// Tools, calls and results in the form that most models have seen, for templates that know none.
    fileprivate mutating func writeToolsAsText() {
        for index in messages.indices {
            messages[index].writeCallsAsText()
            messages[index].callID = nil
            guard messages[index].role == .tool else { continue }
            messages[index].role = .user
            messages[index].name = nil
            messages[index].content = "<tool_response>\n\(messages[index].content)\n</tool_response>"
        }
        telling = .text
        tellTools(
            """
            You may call these functions, by writing <tool_call>
            {"name": …, "arguments": {…}}
            </tool_call> for each call:

            """)
        mergeNeighbours()
    }

    /// Adds the list of tools to what sets the rules.
    fileprivate mutating func tellTools(_ introduction: String) {
        guard !tools.isEmpty else { return }
        let rules = introduction + tools.map { $0.serialized(.python(ensuresASCII: false)) }.joined(separator: "\n")
        if messages.first?.setsRules == true {
            messages[0].content += "\n\n" + rules
        } else {
            messages.insert(Message(role: .system, content: rules), at: 0)
        }
    }
}

extension Conversation.Message {
    fileprivate mutating func writeCallsAsText() {
        for call in calls {
            let arguments = call.arguments.trimmed.isEmpty ? "{}" : call.arguments
            let name = JSONValue.string(call.name).serialized()
            content += content.isEmpty ? "" : "\n"
            content += "<tool_call>\n{\"name\": \(name), \"arguments\": \(arguments)}\n</tool_call>"
        }
        calls = []
    }
}
