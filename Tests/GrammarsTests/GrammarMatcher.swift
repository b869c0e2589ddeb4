import Foundation

/// Decides whether a GBNF grammar accepts a text, for tests: reads the notation as llama.cpp does, and tries every way to match.
struct GrammarMatcher {
    indirect enum Node {
        case literal([Unicode.Scalar])
        case characters([ClosedRange<UInt32>], isNegated: Bool)
        case rule(String)
        case sequence([Node])
        case alternatives([Node])
        case repetition(Node, Int, Int?)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var rules: [String: Node] = [:]

    init(_ grammar: String) throws {
        for line in grammar.split(separator: "\n") {
            guard let arrow = line.range(of: " ::= ") else { throw Failure(description: "no rule: \(line)") }
            var reader = Reader(Array(line[arrow.upperBound...].unicodeScalars))
            let name = String(line[..<arrow.lowerBound])
            guard rules[name] == nil else { throw Failure(description: "two rules \(name)") }
            guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
                throw Failure(description: "bad name \(name)")
            }
            rules[name] = try reader.alternatives()
            guard reader.isAtEnd else { throw Failure(description: "left over in \(name): \(line)") }
        }
        guard rules["root"] != nil else { throw Failure(description: "no rule root") }
        for node in rules.values { try checkNames(node) }
    }

    private func checkNames(_ node: Node) throws {
        switch node {
        case .literal, .characters: break
        case .rule(let name):
            guard rules[name] != nil else { throw Failure(description: "no rule \(name)") }
        case .sequence(let nodes), .alternatives(let nodes): for node in nodes { try checkNames(node) }
        case .repetition(let node, _, _): try checkNames(node)
        }
    }

    func accepts(_ text: String) -> Bool {
        var run = Run(rules: rules, text: Array(text.unicodeScalars))
        return run.ends(.rule("root"), from: 0).contains(text.unicodeScalars.count)
    }

    /// Matches at positions of one text; what a rule matches is kept, so that time stays polynomial.
    private struct Run {
        let rules: [String: Node]
        let text: [Unicode.Scalar]
        private var known: [String: [Int: Set<Int>]] = [:]

        init(rules: [String: Node], text: [Unicode.Scalar]) {
            self.rules = rules
            self.text = text
        }

        mutating func ends(_ node: Node, from start: Int) -> Set<Int> {
            switch node {
            case .literal(let scalars):
                return text[start...].starts(with: scalars) ? [start + scalars.count] : []
            case .characters(let ranges, let isNegated):
                guard start < text.count else { return [] }
                let isIn = ranges.contains { $0.contains(text[start].value) }
                return isIn != isNegated ? [start + 1] : []
            case .rule(let name):
                if let ends = known[name]?[start] { return ends }
                known[name, default: [:]][start] = []
                let ends = ends(rules[name]!, from: start)
                known[name]![start] = ends
                return ends
            case .sequence(let nodes):
                return nodes.reduce([start]) { starts, node in
                    starts.reduce(into: []) { $0.formUnion(ends(node, from: $1)) }
                }
            case .alternatives(let nodes):
                return nodes.reduce(into: []) { $0.formUnion(ends($1, from: start)) }
            case .repetition(let node, let minimum, let maximum):
                var current: Set<Int> = [start]
                var all: Set<Int> = minimum == 0 ? [start] : []
                var count = 0
                while !current.isEmpty, maximum.map({ count < $0 }) ?? true {
                    current = current.reduce(into: []) { $0.formUnion(ends(node, from: $1)) }
                    count += 1
                    if count >= minimum {
                        current.subtract(all)
                        all.formUnion(current)
                    }
                }
                return all
            }
        }
    }

    private struct Reader {
        let text: [Unicode.Scalar]
        var index = 0

        init(_ text: [Unicode.Scalar]) { self.text = text }

        var isAtEnd: Bool { index == text.count }

        mutating func alternatives() throws -> Node {
            var options = [try sequence()]
            while index < text.count, text[index] == "|" {
                index += 1
                options.append(try sequence())
            }
            return .alternatives(options)
        }

        private mutating func sequence() throws -> Node {
            var parts: [Node] = []
            while true {
                while index < text.count, text[index] == " " { index += 1 }
                guard index < text.count, text[index] != "|", text[index] != ")" else { return .sequence(parts) }
                parts.append(try repetition(of: try part()))
            }
        }

        private mutating func part() throws -> Node {
            let scalar = text[index]
            if scalar == "\"" {
                index += 1
                var scalars: [Unicode.Scalar] = []
                while index < text.count, text[index] != "\"" { scalars.append(try character()) }
                index += 1
                return .literal(scalars)
            }
            if scalar == "[" {
                index += 1
                let isNegated = text[index] == "^"
                if isNegated { index += 1 }
                var ranges: [ClosedRange<UInt32>] = []
                while text[index] != "]" {
                    let low = try character().value
                    if text[index] == "-", text[index + 1] != "]" {
                        index += 1
                        ranges.append(low...(try character().value))
                    } else {
                        ranges.append(low...low)
                    }
                }
                index += 1
                return .characters(ranges, isNegated: isNegated)
            }
            if scalar == "(" {
                index += 1
                let inner = try alternatives()
                guard index < text.count, text[index] == ")" else { throw Failure(description: "')' is missing") }
                index += 1
                return inner
            }
            let start = index
            while index < text.count, text[index].isASCII,
                text[index].properties.isAlphabetic || "-0123456789".unicodeScalars.contains(text[index])
            {
                index += 1
            }
            guard index > start else { throw Failure(description: "unexpected '\(scalar)'") }
            return .rule(String(String.UnicodeScalarView(text[start..<index])))
        }

        private mutating func character() throws -> Unicode.Scalar {
            let scalar = text[index]
            index += 1
            guard scalar == "\\" else { return scalar }
            let escape = text[index]
            index += 1
            switch escape {
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "\\", "\"", "[", "]": return escape
            case "x":
                defer { index += 2 }
                return Unicode.Scalar(UInt32(String(String.UnicodeScalarView(text[index..<index + 2])), radix: 16)!)!
            default: throw Failure(description: "unknown escape \\\(escape)")
            }
        }

        private mutating func repetition(of node: Node) throws -> Node {
            guard index < text.count else { return node }
            switch text[index] {
            case "*":
                index += 1
                return .repetition(node, 0, nil)
            case "+":
                index += 1
                return .repetition(node, 1, nil)
            case "?":
                index += 1
                return .repetition(node, 0, 1)
            case "{":
                let end = text[index...].firstIndex(of: "}")!
                let bounds = String(String.UnicodeScalarView(text[(index + 1)..<end]))
                    .split(separator: ",", omittingEmptySubsequences: false)
                index = end + 1
                guard let minimum = Int(bounds[0]) else { throw Failure(description: "bad repetition \(bounds)") }
                let maximum = bounds.count == 1 ? minimum : Int(bounds[1])
                guard minimum <= 2000, maximum ?? 0 <= 2000 else {
                    throw Failure(description: "long repetition \(bounds)")
                }
                return .repetition(node, minimum, maximum)
            default: return node
            }
        }
    }
}
