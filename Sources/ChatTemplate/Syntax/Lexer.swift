/// Cuts a template into tokens, with the white space around tags removed as `trim_blocks` and `lstrip_blocks` of Jinja 3 do.
///
/// The rules are those of `jinja2/lexer.py`: a tag that begins with a minus eats the white space before it, one that ends with a
/// minus eats what follows; a block or comment without a sign eats the indentation before it and one line end after it.
struct Lexer {
    let source: [Unicode.Scalar]
    var position = 0
    var line = 1
    var tokens: [Token] = []
    /// Whether the last thing read ended a line, which is when indentation before a tag counts as such.
    private var isAtLineStart = true
    /// The closing brackets that are still due inside the current tag.
    private var dueBrackets: [Token.Symbol] = []

    init(_ text: String) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                scalars.append("\n")
            } else if !(scalar == "\n" && previous == "\r") {
                scalars.append(scalar)
            }
            previous = scalar
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    mutating func tokenize() throws(ChatTemplateError) -> [Token] {
        while position < source.count { try readTextAndTag() }
        tokens.append(Token(kind: .endOfTemplate, line: line))
        return tokens
    }

    // MARK: - Text

    private mutating func readTextAndTag() throws(ChatTemplateError) {
        let start = position
        guard let tag = nextTag(from: start) else {
            emitText(start..<source.count)
            position = source.count
            return
        }
        let opening = source[tag + 1]
        position = tag + 2
        let sign = peek == "-" || peek == "+" ? peek : nil
        if sign != nil { position += 1 }
        let rawStart = opening == "%" ? endOfRawTag(at: position, name: "raw") : nil
        let kept = strippedEnd(of: start..<tag, sign: sign, isVariable: opening == "{")
        emitText(start..<kept)
        countLines(in: kept..<tag)
        if let rawStart {
            advance(to: rawStart)
            try readRaw()
        } else if opening == "#" {
            isAtLineStart = false
            try readComment()
        } else {
            isAtLineStart = false
            let isVariable = opening == "{"
            tokens.append(Token(kind: isVariable ? .variableBegin : .blockBegin, line: line))
            try readTag(isVariable: isVariable)
        }
    }

    private func nextTag(from start: Int) -> Int? {
        var index = start
        while index + 1 < source.count {
            if source[index] == "{" {
                switch source[index + 1] {
                case "%", "{", "#": return index
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    /// Where the text before a tag ends once its white space is removed.
    private func strippedEnd(of text: Range<Int>, sign: Unicode.Scalar?, isVariable: Bool) -> Int {
        var end = text.upperBound
        if sign == "-" {
            while end > text.lowerBound, source[end - 1].isPythonWhitespace { end -= 1 }
        } else if sign == nil, !isVariable {
            var lineStart = text.upperBound
            while lineStart > text.lowerBound, source[lineStart - 1] != "\n" { lineStart -= 1 }
            guard lineStart > text.lowerBound || isAtLineStart else { return end }
            if source[lineStart..<end].allSatisfy(\.isPythonWhitespace) { end = lineStart }
        }
        return end
    }

    private mutating func emitText(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: source[range])
        tokens.append(Token(kind: .data(String(text)), line: line))
        countLines(in: range)
    }

    // MARK: - Comments and raw blocks

    private mutating func readComment() throws(ChatTemplateError) {
        var index = position
        while index < source.count {
            if matches("#}", at: index) {
                let isTrimmed = index > position && source[index - 1] == "-"
                let isKept = index > position && source[index - 1] == "+"
                advance(to: index + 2)
                if isTrimmed { skipWhitespace() } else if !isKept { skipOneLineEnd() }
                return
            }
            index += 1
        }
        throw failure("the comment is not closed: '#}' is missing")
    }

    /// Where `{% raw %}` or `{% endraw %}` ends, given where its name may begin; `nil` if it is another tag.
    private func endOfRawTag(at start: Int, name: String) -> Int? {
        var index = start
        while index < source.count, source[index].isPythonWhitespace { index += 1 }
        guard matches(name, at: index) else { return nil }
        index += name.unicodeScalars.count
        while index < source.count, source[index].isPythonWhitespace { index += 1 }
        if matches("-%}", at: index) {
            index += 3
            while index < source.count, source[index].isPythonWhitespace { index += 1 }
            return index
        }
        if name == "endraw", matches("+%}", at: index) { return index + 3 }
        guard matches("%}", at: index) else { return nil }
        index += 2
        if name == "endraw", index < source.count, source[index] == "\n" { index += 1 }
        return index
    }

    private mutating func readRaw() throws(ChatTemplateError) {
        let start = position
        var index = start
        while index + 1 < source.count {
            if matches("{%", at: index) {
                let sign = index + 2 < source.count && ["-", "+"].contains(source[index + 2]) ? source[index + 2] : nil
                if let end = endOfRawTag(at: index + (sign == nil ? 2 : 3), name: "endraw") {
                    let kept = strippedEnd(of: start..<index, sign: sign, isVariable: false)
                    emitText(start..<kept)
                    countLines(in: kept..<index)
                    position = index
                    advance(to: end)
                    return
                }
            }
            index += 1
        }
        throw failure("the raw block is not closed: '{% endraw %}' is missing")
    }

    // MARK: - Tags

    private mutating func readTag(isVariable: Bool) throws(ChatTemplateError) {
        dueBrackets = []
        while position < source.count {
            if dueBrackets.isEmpty, readTagEnd(isVariable: isVariable) { return }
            try readTagToken()
        }
        throw failure("the tag is not closed: '\(isVariable ? "}}" : "%}")' is missing")
    }

    private mutating func readTagEnd(isVariable: Bool) -> Bool {
        let end = isVariable ? "}}" : "%}"
        let kind: Token.Kind = isVariable ? .variableEnd : .blockEnd
        if matches("-" + end, at: position) {
            tokens.append(Token(kind: kind, line: line))
            advance(to: position + 3)
            skipWhitespace()
        } else if matches(end, at: position) {
            tokens.append(Token(kind: kind, line: line))
            advance(to: position + 2)
            if !isVariable { skipOneLineEnd() }
        } else if !isVariable, matches("+" + end, at: position) {
            tokens.append(Token(kind: kind, line: line))
            advance(to: position + 3)
        } else {
            return false
        }
        return true
    }

    private mutating func readTagToken() throws(ChatTemplateError) {
        let scalar = source[position]
        if scalar.isPythonWhitespace {
            skipWhitespace()
        } else if ("0"..."9").contains(scalar) {
            tokens.append(Token(kind: try readNumber(), line: line))
        } else if scalar == "_" || scalar.properties.isXIDStart {
            let start = position
            while let next = peek, next == "_" || next.properties.isXIDContinue { position += 1 }
            tokens.append(Token(kind: .name(text(start..<position)), line: line))
        } else if scalar == "'" || scalar == "\"" {
            let start = line
            tokens.append(Token(kind: .string(try readString(quote: scalar)), line: start))
        } else if let symbol = Token.Symbol.allCases.first(where: { matches($0.rawValue, at: position) }) {
            try balance(symbol)
            tokens.append(Token(kind: .symbol(symbol), line: line))
            position += symbol.rawValue.unicodeScalars.count
        } else {
            throw failure("unexpected character '\(scalar)'")
        }
    }

    private mutating func balance(_ symbol: Token.Symbol) throws(ChatTemplateError) {
        switch symbol {
        case .leftBrace: dueBrackets.append(.rightBrace)
        case .leftParenthesis: dueBrackets.append(.rightParenthesis)
        case .leftBracket: dueBrackets.append(.rightBracket)
        case .rightBrace, .rightParenthesis, .rightBracket:
            guard let due = dueBrackets.popLast() else { throw failure("unexpected '\(symbol.rawValue)'") }
            guard due == symbol else {
                throw failure("unexpected '\(symbol.rawValue)', expected '\(due.rawValue)'")
            }
        default: break
        }
    }

    // MARK: - Reading

    var peek: Unicode.Scalar? { position < source.count ? source[position] : nil }

    func text(_ range: Range<Int>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[range])
        return String(view)
    }

    func failure(_ message: String) -> ChatTemplateError { ChatTemplateError(.syntax, message, line: line) }

    /// Moves on, counting lines and noting whether a line ended there.
    mutating func advance(to end: Int) {
        guard end > position else { return }
        countLines(in: position..<end)
        isAtLineStart = source[end - 1] == "\n"
        position = end
    }

    private func matches(_ text: String, at index: Int) -> Bool {
        var index = index
        for scalar in text.unicodeScalars {
            guard index < source.count, source[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    private mutating func skipWhitespace() {
        var end = position
        while end < source.count, source[end].isPythonWhitespace { end += 1 }
        advance(to: end)
    }

    private mutating func skipOneLineEnd() {
        if peek == "\n" { advance(to: position + 1) }
    }

    private mutating func countLines(in range: Range<Int>) {
        for index in range where source[index] == "\n" { line += 1 }
    }
}
