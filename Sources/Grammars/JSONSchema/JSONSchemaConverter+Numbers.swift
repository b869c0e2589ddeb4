import JSON

extension JSONSchemaConverter {
    /// The most values between limits that are written one by one, where no rule for digits makes them.
    private static let mostListedNumbers: Int128 = 500
    /// The largest step for which the remainder of every digit is followed.
    private static let largestStep: Int128 = 25
    /// Floating point tells decimal numbers of this many digits apart.
    private static let exactDigits = 15
    /// The most digits before the point of a limit.
    private static let mostLimitDigits = 36

    /// Integers and numbers within limits, in decimals without exponent.
    mutating func number(_ facts: SchemaFacts, name: String) throws(JSONSchemaError) -> GrammarExpression {
        var isInteger = !facts.types.contains(.fraction)
        let step = try step(facts)
        if let step, step.value.isWhole { isInteger = true }
        var (lower, upper) = try (limit(facts, isLower: true), limit(facts, isLower: false))
        if !isInteger { (lower, upper) = (exact(lower, isLower: true), exact(upper, isLower: false)) }
        guard lower != nil || upper != nil || step != nil || isLimited(facts) else {
            return (isInteger ? JSONPrimitive.integer : .number).rule(in: &rules)
        }
        let alternatives: [GrammarExpression]
        if let step {
            alternatives = try multiples(of: step, lower, upper, isInteger: isInteger, name: name)
        } else {
            let digits = isInteger ? 0 : fractionDigits(lower, upper)
            alternatives = NumberRange(lower: lower?.limit, upper: upper?.limit, fractionDigits: digits).alternatives
        }
        guard !alternatives.isEmpty else {
            let (keyword, place) = (upper ?? lower).map { ($0.keyword, $0.place) } ?? ("multipleOf", facts.place)
            return impossibility(keyword, at: place, "leaves no number within the limits")
        }
        return .oneOf(alternatives)
    }

    /// Whether there are limits, even if only exponents would lead beyond them.
    private func isLimited(_ facts: SchemaFacts) -> Bool {
        ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].contains { !facts[$0].isEmpty }
    }

    private struct Limit {
        let limit: NumberRange.Limit
        let keyword: String
        let place: Int
    }

    /// The strictest limit on one side.
    private mutating func limit(_ facts: SchemaFacts, isLower: Bool) throws(JSONSchemaError) -> Limit? {
        var strictest: Limit?
        func consider(_ new: Limit) {
            guard let old = strictest?.limit else {
                strictest = new
                return
            }
            let isStricter = isLower ? old.value < new.limit.value : new.limit.value < old.value
            if isStricter || (old.value == new.limit.value && new.limit.isExcluded) { strictest = new }
        }
        for keyword in isLower ? ["minimum", "exclusiveMinimum"] : ["maximum", "exclusiveMaximum"] {
            for assertion in facts[keyword] {
                let isExcluded = keyword.hasPrefix("exclusive")
                // Draft 4 has flags beside the limits.
                if isExcluded, case .bool(let flag) = document[assertion.value] {
                    guard flag else { continue }
                    throw failure(
                        .unsupported, keyword, at: assertion.place, "must be a number, as newer drafts have it")
                }
                guard let value = DecimalNumber(document[assertion.value]) else {
                    throw failure(.invalid, keyword, at: assertion.place, "must be a number")
                }
                consider(
                    Limit(
                        limit: NumberRange.Limit(value: value, isExcluded: isExcluded), keyword: keyword,
                        place: assertion.place))
            }
        }
        for assertion in facts["format"] {
            guard let range = SchemaFormat.integers[document[assertion.value].string ?? ""] else { continue }
            let value = DecimalNumber(isLower ? range.lowerBound : range.upperBound)
            consider(
                Limit(
                    limit: NumberRange.Limit(value: value, isExcluded: false), keyword: "format", place: assertion.place
                ))
        }
        guard let strictest else { return nil }
        let value = strictest.limit.value
        guard value.wholeDigitCount > JSONSchemaConverter.mostLimitDigits else {
            guard value.fraction.count <= JSONSchemaConverter.mostLimitDigits else {
                throw failure(
                    .unsupported, strictest.keyword, at: strictest.place,
                    "is supported with \(JSONSchemaConverter.mostLimitDigits) digits after the point")
            }
            return strictest
        }
        // Numbers are never written as long as that.
        if value.isNegative == isLower { return nil }
        throw failure(
            .unsupported, strictest.keyword, at: strictest.place,
            "is supported up to \(JSONSchemaConverter.mostLimitDigits) digits before the point")
    }

    /// How many digits may come after the point, so that floating point does not round a number onto a limit that is excluded.
    private func fractionDigits(_ lower: Limit?, _ upper: Limit?) -> Int {
        var digits = JSONSchemaConverter.exactDigits
        for limit in [lower, upper].compactMap(\.self) {
            let value = limit.limit.value
            digits =
                limit.limit.isExcluded
                ? min(digits, max(0, JSONSchemaConverter.exactDigits - value.wholeDigitCount))
                : max(digits, value.fraction.count)
        }
        return digits
    }

    /// The limit itself, or the last number before it that floating point tells apart from it, if it is excluded and has more
    /// digits than that.
    private func exact(_ limit: Limit?, isLower: Bool) -> Limit? {
        guard let limit, limit.limit.isExcluded else { return limit }
        let places = max(0, JSONSchemaConverter.exactDigits - limit.limit.value.wholeDigitCount)
        guard limit.limit.value.fraction.count > places else { return limit }
        // As programs read it.
        let value = DecimalNumber(.number(limit.limit.value.double)) ?? limit.limit.value
        guard value.fraction.count > places else {
            return Limit(
                limit: NumberRange.Limit(value: value, isExcluded: true), keyword: limit.keyword, place: limit.place)
        }
        let magnitude = value.scaled(places).wholePart + (value.isNegative == isLower ? 0 : 1)
        let inside = DecimalNumber(value.isNegative ? -magnitude : magnitude).scaled(-places)
        return Limit(
            limit: NumberRange.Limit(value: inside, isExcluded: false), keyword: limit.keyword, place: limit.place)
    }

    // MARK: - Multiples

    private struct Step {
        let value: DecimalNumber
        let place: Int
    }

    /// The only step that all numbers are multiples of.
    private mutating func step(_ facts: SchemaFacts) throws(JSONSchemaError) -> Step? {
        var step: Step?
        for assertion in facts["multipleOf"] {
            guard let value = DecimalNumber(document[assertion.value]), !value.isZero, !value.isNegative else {
                throw failure(.invalid, "multipleOf", at: assertion.place, "must be a number above 0")
            }
            // Every integer is a multiple of 1, 0.1, 0.5, 0.01 and so on.
            if !facts.types.contains(.fraction), DecimalNumber.isFractionOfOne(value) { continue }
            guard let known = step, known.value != value else {
                step = Step(value: value, place: assertion.place)
                continue
            }
            guard let left = known.value.integer, let right = value.integer, left < 1_000_000_000, right < 1_000_000_000
            else {
                throw failure(.unsupported, "multipleOf", at: assertion.place, "is not supported beside another one")
            }
            var (divisor, rest) = (left, right)
            while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
            step = Step(value: DecimalNumber(left / divisor * right), place: assertion.place)
        }
        return step
    }

    private mutating func multiples(
        of step: Step, _ lower: Limit?, _ upper: Limit?, isInteger: Bool, name: String
    ) throws(JSONSchemaError) -> [GrammarExpression] {
        let value = step.value
        let fits = -18...9
        if value.digits == [1], fits.contains(value.exponent), value.isWhole || !isInteger {
            let places = value.exponent
            func scaled(_ limit: Limit?) -> NumberRange.Limit? {
                limit.map {
                    NumberRange.Limit(value: $0.limit.value.scaled(-max(0, places)), isExcluded: $0.limit.isExcluded)
                }
            }
            return NumberRange(
                lower: scaled(lower), upper: scaled(upper), fractionDigits: max(0, -places),
                suffix: String(repeating: "0", count: max(0, places))
            ).alternatives
        }
        if let lower, let upper, let listed = listed(step, lower, upper) { return listed }
        // Limits beyond all numbers that are written below.
        func isFar(_ limit: Limit?, isBelow: Bool) -> Bool {
            guard let value = limit?.limit.value else { return true }
            return value.isNegative == isBelow && value.wholeDigitCount > JSONSchemaConverter.exactDigits
        }
        guard let integer = value.integer, integer <= JSONSchemaConverter.largestStep, isFar(upper, isBelow: false)
        else {
            throw failure(
                .unsupported, "multipleOf", at: step.place,
                "is supported for powers of ten, for integers up to \(JSONSchemaConverter.largestStep), and for few "
                    + "multiples between limits")
        }
        let multiple = multiples(of: Int(integer), name: name)
        if isFar(lower, isBelow: true) { return [.sequence([.optional(.literal("-")), multiple])] }
        guard let lower, lower.limit.value.isZero, !lower.limit.isExcluded else {
            throw failure(.unsupported, "multipleOf", at: step.place, "is supported with the limits 0, both or none")
        }
        return [multiple]
    }

    /// Multiples between limits, if they are few; `nil` if they are many.
    private func listed(_ step: Step, _ lower: Limit, _ upper: Limit) -> [GrammarExpression]? {
        let numbers = [step.value, lower.limit.value, upper.limit.value]
        // As integers, counted in the smallest digit that occurs.
        let places = max(0, -(numbers.map(\.exponent).min() ?? 0))
        let integers = numbers.compactMap { $0.scaled(places).integer }
        guard integers.count == 3, integers[0] > 0 else { return nil }
        func quotient(_ number: Int128, roundsUp: Bool) -> Int128 {
            let (quotient, rest) = number.quotientAndRemainder(dividingBy: integers[0])
            if rest == 0 { return quotient }
            return quotient + (roundsUp ? (rest > 0 ? 1 : 0) : (rest < 0 ? -1 : 0))
        }
        var first = quotient(integers[1], roundsUp: true)
        var last = quotient(integers[2], roundsUp: false)
        if lower.limit.isExcluded, first * integers[0] == integers[1] { first += 1 }
        if upper.limit.isExcluded, last * integers[0] == integers[2] { last -= 1 }
        guard first <= last else { return [] }
        guard last - first < JSONSchemaConverter.mostListedNumbers else { return nil }
        return (first...last).map { .literal(DecimalNumber.text($0 * integers[0], places: places)) }
    }

    /// Multiples of a small integer that are not negative: a rule for each remainder and number of digits that are left.
    private mutating func multiples(of step: Int, name: String) -> GrammarExpression {
        var shorter: [Int?] = (0..<step).map { $0 == 0 ? -1 : nil }  // -1: the number ends here
        var first: [GrammarExpression] = []
        for left in 1...JSONSchemaConverter.exactDigits {
            var current: [Int?] = []
            let isLast = left == JSONSchemaConverter.exactDigits
            for remainder in 0..<(isLast ? 1 : step) {
                var digits: [Int: [UInt32]] = [:]
                for digit in (isLast ? 1 : 0)..<10 {
                    let next = (remainder * 10 + digit) % step
                    if shorter[next] != nil { digits[next, default: []].append(UInt32(digit) + 0x30) }
                }
                var options: [GrammarExpression] = remainder == 0 && !isLast ? [.empty] : []
                for (next, digits) in digits.sorted(by: { $0.key < $1.key }) {
                    let set = GrammarExpression.characters(CharacterSet(digits.map { $0...$0 }))
                    let rule = shorter[next] ?? -1
                    options.append(rule < 0 ? set : .sequence([set, .rule(rule)]))
                }
                if isLast { first = options }
                guard !options.isEmpty, !isLast else {
                    current.append(nil)
                    continue
                }
                let rule = rules.reserve("\(name)-mod")
                rules.set(rule, .oneOf(options))
                current.append(rule)
            }
            if !isLast { shorter = current }
        }
        return rules.rule("\(name)-multiple", .oneOf([.literal("0")] + first))
    }
}

extension DecimalNumber {
    /// Whether 1 is a multiple of the number.
    fileprivate static func isFractionOfOne(_ number: DecimalNumber) -> Bool {
        let places = max(0, -number.exponent)
        guard places <= 30, let units = number.scaled(places).integer, units > 0 else { return false }
        return power(places) % units == 0
    }

    /// An integer with its point moved to the left.
    fileprivate static func text(_ integer: Int128, places: Int) -> String {
        let digits = String(integer.magnitude)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        let sign = integer < 0 ? "-" : ""
        return places == 0 ? sign + padded : sign + padded.dropLast(places) + "." + padded.suffix(places)
    }
}
