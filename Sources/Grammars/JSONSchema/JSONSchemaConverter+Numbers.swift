import JSON

extension JSONSchemaConverter {
    /// Integers and numbers, within limits that are whole numbers.
    mutating func number(_ schema: JSONValue, isInteger: Bool, at path: String)
        throws(JSONSchemaError) -> String
    {
        if let step = schema["multipleOf"], !(isInteger && step.integer == 1) {
            throw JSONSchemaError(
                code: .unsupported, keyword: "multipleOf", path: path,
                message: "cannot be expressed by a grammar: leave it out")
        }
        var lower = try limit("minimum", schema, isInteger: isInteger, roundsUp: true, at: path)
        var upper = try limit("maximum", schema, isInteger: isInteger, roundsUp: false, at: path)
        var (excludesLower, excludesUpper) = (false, false)
        if let exclusive = try limit(
            "exclusiveMinimum", schema, isInteger: isInteger, roundsUp: false, at: path),
            lower.map({ exclusive >= $0 }) ?? true
        {
            (lower, excludesLower) = isInteger ? (exclusive + 1, false) : (exclusive, true)
        }
        if let exclusive = try limit(
            "exclusiveMaximum", schema, isInteger: isInteger, roundsUp: true, at: path),
            upper.map({ exclusive <= $0 }) ?? true
        {
            (upper, excludesUpper) = isInteger ? (exclusive - 1, false) : (exclusive, true)
        }
        guard lower != nil || upper != nil else {
            return (isInteger ? JSONPrimitive.integer : .number).add(to: &rules)
        }
        if let lower, let upper, lower > upper || (lower == upper && (excludesLower || excludesUpper)) {
            throw JSONSchemaError(
                code: .invalid, keyword: "maximum", path: path,
                message: "leaves no number above the minimum")
        }
        let range = NumberRange(
            lower: lower, upper: upper, excludesLower: excludesLower, excludesUpper: excludesUpper,
            isInteger: isInteger
        )
        return GrammarRules.alternatives(range.alternatives)
    }

    private func limit(
        _ keyword: String, _ schema: JSONValue, isInteger: Bool, roundsUp: Bool, at path: String
    ) throws(JSONSchemaError) -> Int? {
        guard let value = schema[keyword] else { return nil }
        guard let number = value.double else {
            throw JSONSchemaError(
                code: .invalid, keyword: keyword, path: path, message: "must be a number")
        }
        let largest = NumberRange.largest
        if let whole = value.integer, (-largest...largest).contains(whole) { return whole }
        if isInteger, number.magnitude < Double(largest) {
            return Int(number.rounded(roundsUp ? .up : .down))
        }
        throw JSONSchemaError(
            code: .unsupported, keyword: keyword, path: path,
            message: isInteger
                ? "is supported up to \(largest)" : "is supported for whole numbers up to \(largest) only")
    }
}

/// The numbers between two whole numbers, digit by digit.
struct NumberRange {
    /// `nil`: as far down as numbers are written.
    let lower: Int?
    let upper: Int?
    let excludesLower: Bool
    let excludesUpper: Bool
    let isInteger: Bool

    /// The largest limit: numbers are written with at most 15 digits before the point.
    static let largest = 999_999_999_999_999

    /// Grammar bodies that together make the range.
    var alternatives: [String] {
        var result: [String] = []
        let bottom = lower ?? -NumberRange.largest
        let top = upper ?? NumberRange.largest
        let isOpen = (bottom: lower == nil, top: upper == nil)
        if bottom < 0 {
            // From the far end towards zero, without the sign.
            result += magnitudes(
                max(1, -top), -bottom, excludesLow: top < 0 && excludesUpper, excludesHigh: excludesLower,
                isOpen: isOpen.bottom
            ).map { "\"-\" \($0)" }
            if !isInteger, top >= 0 { result.append("\"-0.\" [0-9]{0,15} [1-9]") }
        }
        if top >= 0 {
            result += magnitudes(
                max(0, bottom), top, excludesLow: bottom >= 0 && excludesLower, excludesHigh: excludesUpper,
                isOpen: isOpen.top)
        }
        return result
    }

    /// Numbers that are not negative, from `low` to `high`.
    private func magnitudes(
        _ low: Int, _ high: Int, excludesLow: Bool, excludesHigh: Bool, isOpen: Bool
    ) -> [String] {
        if isInteger { return whole(low, high) }
        let fraction = "(\".\" [0-9]{1,16})?"
        var result: [String] = []
        // Whole parts whose every fraction is inside of the range.
        let first = excludesLow ? low + 1 : low
        let last = isOpen ? high : high - 1
        if first <= last {
            result.append("\(GrammarRules.alternatives(whole(first, last))) \(fraction)")
        }
        if excludesLow, low < high { result.append("\"\(low).\" [0-9]{0,15} [1-9]") }
        if !isOpen, !excludesHigh, !(excludesLow && low == high) {
            result.append("\"\(high)\" (\".\" \"0\"{1,16})?")
        }
        return result
    }

    /// Integers from `low` to `high`, both of them included and not negative.
    private func whole(_ low: Int, _ high: Int) -> [String] {
        guard low <= high else { return [] }
        var result: [String] = []
        var start = low
        while start <= high {
            let digits = String(start).count
            let end = min(high, digits < 19 ? NumberRange.power(digits) - 1 : high)
            result += sameLength(Array(String(start)), Array(String(end)))
            start = end + 1
        }
        return result
    }

    private static func power(_ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    /// Digit strings of the same length from `low` to `high`.
    private func sameLength(_ low: [Character], _ high: [Character]) -> [String] {
        guard let first = low.first, let last = high.first else { return ["\"\""] }
        let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
        if lowRest.allSatisfy({ $0 == "0" }), highRest.allSatisfy({ $0 == "9" }) {
            return [digitClass(first, last) + (lowRest.isEmpty ? "" : " [0-9]{\(lowRest.count)}")]
        }
        if first == last {
            let rest = sameLength(lowRest, highRest)
            return ["\"\(first)\" " + GrammarRules.alternatives(rest)]
        }
        let nines = [Character](repeating: "9", count: lowRest.count)
        let zeros = [Character](repeating: "0", count: lowRest.count)
        var result = ["\"\(first)\" " + GrammarRules.alternatives(sameLength(lowRest, nines))]
        if let next = first.wholeNumberValue, let before = last.wholeNumberValue, next + 1 < before {
            let middle = digitClass(Character("\(next + 1)"), Character("\(before - 1)"))
            result.append("\(middle) [0-9]{\(lowRest.count)}")
        }
        result.append("\"\(last)\" " + GrammarRules.alternatives(sameLength(zeros, highRest)))
        return result
    }

    private func digitClass(_ first: Character, _ last: Character) -> String {
        first == last ? "\"\(first)\"" : "[\(first)-\(last)]"
    }
}
