/// How figures are written for people.
package enum Figures {
    /// Bytes in units of 1000 with three digits: "999 B", "1.54 GB".
    package static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB", "TB"] {
            if abs(value) < 999.5 || unit == "TB" {
                return unit == "B" ? "\(count) B" : "\(threeDigits(value)) \(unit)"
            }
            value /= 1000
        }
        return "\(count) B"
    }

    /// The same of a number of megabytes as the node counts them, of 1024 times 1024 bytes.
    package static func megabytes(_ count: Int) -> String { bytes(Int64(count) << 20) }

    /// How many of something: "1 peer", "3 peers".
    package static func counted(_ count: Int, _ what: String) -> String {
        count == 1 ? "1 \(what)" : "\(count) \(what)s"
    }

    /// A number in units of 1000 with three digits: "999", "1.54 k", "15.4 M".
    package static func count(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["", " k", " M"] {
            if abs(value) < 999.5 || unit == " M" {
                return unit.isEmpty ? "\(count)" : "\(threeDigits(value))\(unit)"
            }
            value /= 1000
        }
        return "\(count)"
    }

    /// A duration in its two largest units: "3 d 4 h", "12 s".
    package static func seconds(_ seconds: Int64) -> String {
        let units: [(name: String, length: Int64)] = [("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { seconds >= $0.length }) else { return "0 s" }
        let head = "\(seconds / units[first].length) \(units[first].name)"
        guard first + 1 < units.count else { return head }
        let rest = seconds % units[first].length / units[first + 1].length
        return rest == 0 ? head : "\(head) \(rest) \(units[first + 1].name)"
    }

    /// A number with `digits` digits after the point.
    package static func fixed(_ value: Double, digits: Int = 1) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        let whole = Int64(scaled / scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let fraction = String(Int64(scaled) - whole * Int64(scale))
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    private static func threeDigits(_ value: Double) -> String {
        fixed(value, digits: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
    }
}
