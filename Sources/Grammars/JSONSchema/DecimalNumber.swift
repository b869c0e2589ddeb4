import JSON

/// A number of JSON by its value: `1.10`, `1.1` and `11e-1` are the same.
struct DecimalNumber: Hashable {
    let isNegative: Bool
    /// Significant digits, the first and the last of which are not zero; none for zero itself.
    let digits: [UInt8]
    /// What power of ten the last digit counts.
    let exponent: Int

    static let zero = DecimalNumber(isNegative: false, digits: [], exponent: 0)

    init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        let trailing = digits.reversed().prefix { $0 == 0 }.count
        let kept = Array(digits.dropLast(trailing).drop { $0 == 0 })
        self.digits = kept
        self.isNegative = isNegative && !kept.isEmpty
        self.exponent = kept.isEmpty ? 0 : exponent + trailing
    }

    init(_ integer: Int128) {
        self.init(
            isNegative: integer < 0, digits: String(integer.magnitude).utf8.map { $0 - UInt8(ascii: "0") }, exponent: 0)
    }

    /// `nil` if the value is no number, or its exponent beyond anything that is meant.
    init?(_ value: JSONValue) {
        let text: String
        switch value {
        case .integer(let integer): text = String(integer)
        case .number(let number) where number.isFinite: text = value.serialized()
        case .literal(let written): text = written
        default: return nil
        }
        var digits: [UInt8] = []
        var isNegative = false
        var exponent = 0
        var isInFraction = false
        var rest = Substring(text)
        while let byte = rest.utf8.first {
            rest = Substring(rest.utf8.dropFirst())
            switch byte {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): isInFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let power = Int(rest), power.magnitude <= 100_000 else { return nil }
                exponent += power
                rest = ""
            default:
                digits.append(byte &- UInt8(ascii: "0"))
                if isInFraction { exponent -= 1 }
            }
        }
        self.init(isNegative: isNegative, digits: digits, exponent: exponent)
    }

    var isZero: Bool { digits.isEmpty }
    var isWhole: Bool { exponent >= 0 }
    var magnitude: DecimalNumber { DecimalNumber(isNegative: false, digits: digits, exponent: exponent) }

    /// The number with its point moved to the right.
    func scaled(_ places: Int) -> DecimalNumber {
        DecimalNumber(isNegative: isNegative, digits: digits, exponent: exponent + places)
    }

    /// The nearest number in floating point.
    var double: Double {
        let digits = String(decoding: digits.map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        return Double("\(isNegative ? "-" : "")\(digits.isEmpty ? "0" : digits)e\(exponent)") ?? 0
    }

    /// How many digits stand before the point; none for numbers below 1.
    var wholeDigitCount: Int { max(0, digits.count + exponent) }

    /// Digits after the point.
    var fraction: [UInt8] {
        guard exponent < 0 else { return [] }
        let zeros = max(0, -exponent - digits.count)
        return [UInt8](repeating: 0, count: zeros) + digits.suffix(-exponent)
    }

    /// The magnitude without its fraction; the caller has seen that ``wholeDigitCount`` is at most 36.
    var wholePart: Int128 {
        let known = digits.prefix(wholeDigitCount).reduce(Int128(0)) { $0 * 10 + Int128($1) }
        return exponent > 0 ? known * DecimalNumber.power(exponent) : known
    }

    /// The number as an integer; `nil` if it is none, or has more than 36 digits.
    var integer: Int128? {
        guard isWhole, wholeDigitCount <= 36 else { return nil }
        return isNegative ? -wholePart : wholePart
    }

    static func power(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

    static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative ? isBelow(right, left) : isBelow(left, right)
    }

    /// Whether the magnitude of one number is below that of another.
    private static func isBelow(_ left: DecimalNumber, _ right: DecimalNumber) -> Bool {
        guard !left.isZero, !right.isZero else { return left.isZero && !right.isZero }
        let (ours, theirs) = (left.digits.count + left.exponent, right.digits.count + right.exponent)
        return ours == theirs ? left.digits.lexicographicallyPrecedes(right.digits) : ours < theirs
    }
}

extension JSONValue {
    /// Whether two values are the same to JSON Schema: numbers by value, objects in any order, text by its scalars.
    func isSame(as other: JSONValue) -> Bool { comparable == other.comparable }

    /// Bytes that are the same for the same values.
    var comparable: [UInt8] {
        var bytes: [UInt8] = []
        appendComparable(to: &bytes)
        return bytes
    }

    private func appendComparable(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(UInt8(ascii: "n"))
        case .bool(let value): bytes.append(UInt8(ascii: value ? "t" : "f"))
        case .integer, .number, .literal:
            guard let number = DecimalNumber(self) else {
                bytes += serializedBytes()
                return
            }
            bytes.append(UInt8(ascii: number.isNegative ? "-" : "+"))
            bytes += number.digits.map { $0 + UInt8(ascii: "0") }
            bytes += Array("e\(number.exponent);".utf8)
        case .string: bytes += serializedBytes()
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for element in elements { element.appendComparable(to: &bytes) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                bytes += JSONValue.string(key).serializedBytes()
                value.appendComparable(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}
