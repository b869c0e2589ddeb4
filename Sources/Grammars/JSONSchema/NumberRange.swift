/// The numbers between two limits, digit by digit, written without exponent.
struct NumberRange {
    struct Limit {
        let value: DecimalNumber
        let isExcluded: Bool
    }

    /// `nil`: as far down as numbers are written.
    let lower: Limit?
    let upper: Limit?
    /// The most digits after the point; none for integers.
    let fractionDigits: Int
    /// What comes after every number but zero.
    var suffix = ""

    /// Numbers without a limit have at most this many digits before the point.
    static let openDigits = 16

    /// Expressions that together make the range; none if no number is in it.
    var alternatives: [GrammarExpression] {
        let zero = Limit(value: .zero, isExcluded: false)
        var result: [GrammarExpression] = []
        if lower?.value.isNegative ?? true {
            // From zero towards the far end, without the sign and without zero itself.
            let near = upper.map { $0.value.isNegative } ?? false ? upper : nil
            result += magnitudes(from: near ?? Limit(value: .zero, isExcluded: true), to: lower).map {
                .sequence([.literal("-"), $0])
            }
        }
        guard upper.map({ !$0.value.isNegative }) ?? true else { return result }
        let low = lower.flatMap { $0.value.isNegative ? nil : $0 } ?? zero
        if suffix.isEmpty { return result + magnitudes(from: low, to: upper) }
        if low.value.isZero, !low.isExcluded, !(upper.map { $0.value.isZero && $0.isExcluded } ?? false) {
            result.append(.literal("0"))
        }
        return result + magnitudes(from: low.value.isZero ? Limit(value: .zero, isExcluded: true) : low, to: upper)
    }

    /// Numbers that are not negative; the signs of the limits do not count.
    private func magnitudes(from low: Limit, to high: Limit?) -> [GrammarExpression] {
        let (lowWhole, lowFraction) = (low.value.wholePart, low.value.fraction)
        let isLowWhole = lowFraction.isEmpty && !low.isExcluded
        let openTop = DecimalNumber.power(max(NumberRange.openDigits, low.value.wholeDigitCount)) - 1
        let highWhole = high.map(\.value.wholePart) ?? openTop
        guard lowWhole <= highWhole else { return [] }
        if let high, lowWhole == highWhole {
            let digits = FractionDigits.between(
                lowFraction, high.value.fraction, excludes: (low.isExcluded, high.isExcluded), length: fractionDigits)
            return number(lowWhole, digits)
        }
        var result: [GrammarExpression] = []
        if !isLowWhole {
            let digits = FractionDigits.atLeast(lowFraction, excludes: low.isExcluded, length: fractionDigits)
            result += number(lowWhole, digits)
        }
        let (first, last) = (isLowWhole ? lowWhole : lowWhole + 1, high == nil ? highWhole : highWhole - 1)
        if first <= last {
            let any = FractionDigits.any(fractionDigits)
            result.append(.sequence([.oneOf(NumberRange.whole(first, last)), any.afterPoint, end]))
        }
        if let high {
            let digits = FractionDigits.atMost(
                high.value.fraction, excludes: high.isExcluded, length: fractionDigits)
            result += number(highWhole, digits)
        }
        return result
    }

    private var end: GrammarExpression { suffix.isEmpty ? .empty : .literal(suffix) }

    private func number(_ whole: Int128, _ digits: FractionDigits) -> [GrammarExpression] {
        digits.isNever ? [] : [.sequence([.literal(String(whole)), digits.afterPoint, end])]
    }

    /// Integers from `low` to `high`, both of them included and not negative.
    private static func whole(_ low: Int128, _ high: Int128) -> [GrammarExpression] {
        var result: [GrammarExpression] = []
        var start = low
        while start <= high {
            let end = min(high, DecimalNumber.power(String(start).utf8.count) - 1)
            result += sameLength(Array(String(start).utf8), Array(String(end).utf8))
            start = end + 1
        }
        return result
    }

    /// Digit strings of the same length from `low` to `high`.
    private static func sameLength(_ low: [UInt8], _ high: [UInt8]) -> [GrammarExpression] {
        guard let first = low.first, let last = high.first else { return [.empty] }
        let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
        if lowRest.allSatisfy({ $0 == 0x30 }), highRest.allSatisfy({ $0 == 0x39 }) {
            return [.sequence([digits(first, last), digits(exactly: lowRest.count)])]
        }
        if first == last { return [.sequence([digits(first, first), .oneOf(sameLength(lowRest, highRest))])] }
        let nines = [UInt8](repeating: 0x39, count: lowRest.count)
        let zeros = [UInt8](repeating: 0x30, count: lowRest.count)
        var result: [GrammarExpression] = [
            .sequence([digits(first, first), .oneOf(sameLength(lowRest, nines))])
        ]
        if first + 1 < last {
            result.append(.sequence([digits(first + 1, last - 1), digits(exactly: lowRest.count)]))
        }
        result.append(.sequence([digits(last, last), .oneOf(sameLength(zeros, highRest))]))
        return result
    }

    private static func digits(exactly count: Int) -> GrammarExpression {
        count == 0 ? .empty : .repeated(digits(0x30, 0x39), minimum: count, maximum: count)
    }

    private static func digits(_ first: UInt8, _ last: UInt8) -> GrammarExpression {
        first == last
            ? .literal(String(Unicode.Scalar(first))) : .characters(CharacterSet([UInt32(first)...UInt32(last)]))
    }
}

/// Digits after a point that are together above, below or between others.
private struct FractionDigits {
    /// Whether there may be none.
    var allowsNone = false
    /// The ways to write one digit or more.
    var some: [GrammarExpression] = []

    var isNever: Bool { !allowsNone && some.isEmpty }

    /// The digits with the point in front of them.
    var afterPoint: GrammarExpression {
        guard !some.isEmpty else { return .empty }
        let written = GrammarExpression.sequence([.literal("."), .oneOf(some)])
        return allowsNone ? .optional(written) : written
    }

    private var expression: GrammarExpression {
        guard !some.isEmpty else { return .empty }
        return allowsNone ? .optional(.oneOf(some)) : .oneOf(some)
    }

    static func any(_ length: Int) -> FractionDigits {
        FractionDigits(allowsNone: true, some: length > 0 ? [repeated(0...9, 1, length)] : [])
    }

    static func atLeast(_ digits: [UInt8], excludes: Bool, length: Int) -> FractionDigits {
        if digits.allSatisfy({ $0 == 0 }) {
            guard excludes else { return any(length) }
            // Not all of them may be zero.
            guard length > 0 else { return FractionDigits() }
            return FractionDigits(some: [.sequence([repeated(0...9, 0, length - 1), repeated(1...9, 1, 1)])])
        }
        guard length > 0, let first = digits.first else { return FractionDigits() }
        var result = FractionDigits()
        if first < 9 {
            result.some.append(.sequence([repeated((first + 1)...9, 1, 1), repeated(0...9, 0, length - 1)]))
        }
        result.add(first, atLeast(Array(digits.dropFirst()), excludes: excludes, length: length - 1))
        return result
    }

    static func atMost(_ digits: [UInt8], excludes: Bool, length: Int) -> FractionDigits {
        if digits.allSatisfy({ $0 == 0 }) {
            if excludes { return FractionDigits() }
            return FractionDigits(allowsNone: true, some: length > 0 ? [repeated(0...0, 1, length)] : [])
        }
        // Nothing at all is zero, which is below.
        var result = FractionDigits(allowsNone: true)
        guard length > 0, let first = digits.first else { return result }
        if first > 0 {
            result.some.append(.sequence([repeated(0...(first - 1), 1, 1), repeated(0...9, 0, length - 1)]))
        }
        result.add(first, atMost(Array(digits.dropFirst()), excludes: excludes, length: length - 1))
        return result
    }

    static func between(
        _ low: [UInt8], _ high: [UInt8], excludes: (low: Bool, high: Bool), length: Int
    ) -> FractionDigits {
        if low.allSatisfy({ $0 == 0 }), !excludes.low { return atMost(high, excludes: excludes.high, length: length) }
        let (first, last) = (low.first ?? 0, high.first ?? 0)
        if low.isEmpty, high.isEmpty || first > last { return FractionDigits() }
        guard length > 0, first <= last else { return FractionDigits() }
        let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
        var result = FractionDigits()
        if first == last {
            result.add(first, between(lowRest, highRest, excludes: excludes, length: length - 1))
            return result
        }
        result.add(first, atLeast(lowRest, excludes: excludes.low, length: length - 1))
        if first + 1 < last {
            result.some.append(
                .sequence([repeated((first + 1)...(last - 1), 1, 1), repeated(0...9, 0, length - 1)]))
        }
        result.add(last, atMost(highRest, excludes: excludes.high, length: length - 1))
        return result
    }

    /// Adds the digits after one that is given.
    private mutating func add(_ digit: UInt8, _ rest: FractionDigits) {
        guard !rest.isNever else { return }
        some.append(.sequence([FractionDigits.repeated(digit...digit, 1, 1), rest.expression]))
    }

    private static func repeated(_ digits: ClosedRange<UInt8>, _ minimum: Int, _ maximum: Int) -> GrammarExpression {
        guard maximum > 0 else { return .empty }
        let set = CharacterSet([UInt32(digits.lowerBound + 0x30)...UInt32(digits.upperBound + 0x30)])
        let one = set.single.map { .literal(String($0)) } ?? GrammarExpression.characters(set)
        return maximum == 1 && minimum == 1 ? one : .repeated(one, minimum: minimum, maximum: maximum)
    }
}
