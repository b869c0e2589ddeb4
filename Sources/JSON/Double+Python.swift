extension Double {
    /// What Python's `repr` prints: the shortest digits that read back as the same value, with an exponent where it is below -4 or
    /// above 15, and ".0" after whole numbers.
    package var pythonDescription: String {
        if isNaN { return "nan" }
        if isInfinite { return self < 0 ? "-inf" : "inf" }
        let sign = self.sign == .minus ? "-" : ""
        let (digits, exponent) = magnitude.shortestDecimal
        if exponent < -4 || exponent >= 16 {
            let mantissa = digits.count == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst())"
            let power = String(exponent.magnitude)
            return "\(sign)\(mantissa)e\(exponent < 0 ? "-" : "+")\(power.count == 1 ? "0" : "")\(power)"
        }
        if exponent < 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)" }
        let whole = digits.prefix(exponent + 1)
        let fraction = digits.dropFirst(exponent + 1)
        let padding = String(repeating: "0", count: exponent + 1 - whole.count)
        return "\(sign)\(whole)\(padding).\(fraction.isEmpty ? "0" : fraction)"
    }

    /// The shortest significant digits and the power of ten of the first one. Only for finite numbers that are not negative.
    private var shortestDecimal: (digits: String, exponent: Int) {
        // Swift's own description has the shortest digits too; only its layout differs.
        let parts = description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        let digits = mantissa[0] + fraction
        let significant = digits.drop { $0 == "0" }
        guard !significant.isEmpty else { return ("0", 0) }
        let leadingZeros = digits.count - significant.count
        let exponent = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) + mantissa[0].count - 1 - leadingZeros
        let trimmed = significant.reversed().drop { $0 == "0" }.reversed()
        return (String(trimmed), exponent)
    }
}
