#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Numbers read from and written to text as Python does it.
enum PythonNumber {
    /// What `int(text, base)` returns; `nil` where it raises.
    static func integer(_ text: String, base: Int) -> Int? {
        guard base == 0 || (2...36).contains(base) else { return nil }
        var digits = text.pythonStripping(nil)[...]
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits.removeFirst() }
        var radix = base
        for (prefix, value) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.lowercased().hasPrefix(prefix) {
            if base == value || base == 0 {
                digits.removeFirst(2)
                radix = value
            }
        }
        if radix == 0 { radix = 10 }
        guard isValid(digits, isDigit: { $0.hexDigitValue != nil || $0.isLetter }) else { return nil }
        return Int((isNegative ? "-" : "") + digits.filter { $0 != "_" }, radix: radix)
    }

    /// What `float(text)` returns; `nil` where it raises.
    static func float(_ text: String) -> Double? {
        let stripped = text.pythonStripping(nil)
        let unsigned = stripped.hasPrefix("-") || stripped.hasPrefix("+") ? stripped.dropFirst() : stripped[...]
        if ["inf", "infinity", "nan"].contains(unsigned.lowercased()) { return Double(stripped) }
        guard unsigned.allSatisfy({ "0123456789.eE+-_".contains($0) }), !unsigned.contains("__"),
            !unsigned.hasPrefix("_"), !unsigned.hasSuffix("_")
        else { return nil }
        return Double(stripped.filter { $0 != "_" })
    }

    /// Whether single underscores stand between digits only.
    private static func isValid(_ digits: Substring, isDigit: (Character) -> Bool) -> Bool {
        !digits.isEmpty && !digits.hasPrefix("_") && !digits.hasSuffix("_") && !digits.contains("__")
            && digits.allSatisfy { $0 == "_" || isDigit($0) }
    }

    static func powerOfTen(_ exponent: Int) -> Double { pow(10, Double(exponent)) }

    /// The number as C's `printf` writes it with the conversion `f`, `e` or `g` (or in upper case).
    static func format(_ value: Double, _ conversion: Character, precision: Int, isAlternate: Bool = false) -> String {
        guard value.isFinite else {
            let text = value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
            return conversion.isUppercase ? text.uppercased() : text
        }
        let format = "%\(isAlternate ? "#" : "").\(min(max(precision, 0), 400))\(conversion)"
        return withVaList([value]) { arguments in
            var buffer = [CChar](repeating: 0, count: 1024)
            let count = Int(vsnprintf(&buffer, buffer.count, format, arguments))
            return String(decoding: buffer.prefix(max(0, min(count, buffer.count - 1))).map(UInt8.init), as: UTF8.self)
        }
    }
}
