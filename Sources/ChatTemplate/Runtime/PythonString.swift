// Strings as Python sees them: sequences of code points, compared code point by code point. Swift's `Character`s would join a
// carriage return with its line feed, and take canonically equal strings for the same.

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` holds.
    var isPythonWhitespace: Bool {
        switch value {
        case 0x20, 0x09...0x0D, 0x1C...0x1F: true
        case 0..<0x80: false
        default: properties.isWhitespace
        }
    }

    /// Whether `str.splitlines` ends a line here.
    var endsPythonLine: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}

extension String {
    init(scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }

    func hasSameScalars(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Where `part` first occurs at or after the byte `start`, in bytes of UTF-8; a part of a string is also a part of its bytes.
    func utf8Range(of part: String, from start: Int) -> Range<Int>? {
        Array(utf8).range(of: Array(part.utf8), from: start)
    }

    /// The pieces between occurrences of `separator`, at most `limit` cuts made (all of them where it is negative).
    func pythonSplit(separator: String, limit: Int = -1) -> [String] {
        let bytes = Array(utf8)
        let separator = Array(separator.utf8)
        var pieces: [String] = []
        var start = 0
        while limit < 0 || pieces.count < limit, let found = bytes.range(of: separator, from: start) {
            pieces.append(String(decoding: bytes[start..<found.lowerBound], as: UTF8.self))
            start = found.upperBound
        }
        pieces.append(String(decoding: bytes[start...], as: UTF8.self))
        return pieces
    }

    /// As ``pythonSplit(separator:limit:)``, cutting from the end.
    func pythonReverseSplit(separator: String, limit: Int = -1) -> [String] {
        let all = pythonSplit(separator: separator)
        guard limit >= 0, all.count > limit + 1 else { return all }
        return [all[..<(all.count - limit)].joined(separator: separator)] + all.suffix(limit)
    }

    /// The words between runs of white space, at most `limit` cuts made; the last piece keeps its trailing white space then.
    func pythonWords(limit: Int = -1) -> [String] {
        var words: [String] = []
        var rest = unicodeScalars[...]
        while true {
            rest = rest.drop(while: \.isPythonWhitespace)
            guard !rest.isEmpty else { return words }
            if limit >= 0, words.count >= limit {
                words.append(String(rest))
                return words
            }
            let word = rest.prefix { !$0.isPythonWhitespace }
            words.append(String(word))
            rest = rest[word.endIndex...]
        }
    }

    /// As ``pythonWords(limit:)``, cutting from the end.
    func pythonReverseWords(limit: Int) -> [String] {
        guard limit >= 0 else { return pythonWords() }
        let reversed = String(scalars: unicodeScalars.reversed())
        return reversed.pythonWords(limit: limit).reversed().map { String(scalars: $0.unicodeScalars.reversed()) }
    }

    func pythonReplacing(_ old: String, with new: String, limit: Int = -1) -> String {
        if old.isEmpty {
            var result = ""
            var count = 0
            for scalar in unicodeScalars {
                if limit < 0 || count < limit { result += new }
                count += 1
                result.unicodeScalars.append(scalar)
            }
            if limit < 0 || count < limit { result += new }
            return result
        }
        return pythonSplit(separator: old, limit: limit).joined(separator: new)
    }

    /// The string without the given characters (white space where `nil`) at its start, its end, or both.
    func pythonStripping(_ characters: String?, start: Bool = true, end: Bool = true) -> String {
        let set = characters.map { Set($0.unicodeScalars) }
        let isStripped: (Unicode.Scalar) -> Bool = { scalar in set?.contains(scalar) ?? scalar.isPythonWhitespace }
        var rest = unicodeScalars[...]
        if start { rest = rest.drop(while: isStripped) }
        if end { while let last = rest.last, isStripped(last) { rest.removeLast() } }
        return String(rest)
    }

    /// The lines without their ends, unless those are kept.
    func pythonLines(keepsEnds: Bool = false) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        var scalars = unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar.endsPythonLine else {
                line.append(scalar)
                continue
            }
            if keepsEnds { line.append(scalar) }
            if scalar == "\r", scalars.first == "\n" {
                scalars.removeFirst()
                if keepsEnds { line.append("\n") }
            }
            lines.append(String(line))
            line = String.UnicodeScalarView()
        }
        if !line.isEmpty { lines.append(String(line)) }
        return lines
    }

    func hasPythonPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    func hasPythonSuffix(_ suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }

    /// The first character in upper case, the others in lower case.
    var pythonCapitalized: String {
        guard let first = unicodeScalars.first else { return "" }
        return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
    }

    /// Every character after one that has no case in upper case, the others in lower case (`str.title`).
    var pythonTitle: String {
        var result = ""
        var followsCased = false
        for scalar in unicodeScalars {
            result += followsCased ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
            followsCased = scalar.properties.isCased
        }
        return result
    }
}

extension [UInt8] {
    /// Where `part` first occurs at or after `start`.
    func range(of part: [UInt8], from start: Int) -> Range<Int>? {
        guard let first = part.first else { return start <= count ? start..<start : nil }
        var index = start
        while index + part.count <= count {
            if self[index] == first, self[index..<index + part.count].elementsEqual(part) {
                return index..<index + part.count
            }
            index += 1
        }
        return nil
    }
}
