#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How long the hub asks to wait.
enum RetryAfter {
    /// The wait that `Retry-After` asks for, in either form of RFC 9110 section 10.2.3: seconds, or a date. Nil for other text.
    static func delay(_ text: String, now: Date) -> Duration? {
        let text = text.split(separator: " ").joined(separator: " ")
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !text.isEmpty {
            return .seconds(Int64(text).map { min($0, 1 << 31) } ?? 1 << 31)
        }
        guard let date = date(text) else { return nil }
        return .seconds(max(0, date.timeIntervalSince(now)))
    }

    /// The reset time of the hub's `RateLimit` header (`"api";r=0;t=55`), where nothing remains.
    /// Source: draft-ietf-httpapi-ratelimit-headers-09, as far as the official client reads it.
    static func delay(rateLimit text: String) -> Duration? {
        var fields: [Substring: Int64] = [:]
        for field in text.split(separator: ";").dropFirst() {
            let sides = field.split(separator: "=")
            if sides.count == 2, let number = Int64(sides[1].filter { $0 != " " }) {
                fields[Substring(sides[0].filter { $0 != " " })] = number
            }
        }
        guard fields["r"] == 0, let seconds = fields["t"], seconds >= 0 else { return nil }
        return .seconds(min(seconds, 1 << 31))
    }

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// A date in one of the three forms of RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`,
    /// `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    private static func date(_ text: String) -> Date? {
        var words = text.lowercased().split { " ,-:".contains($0) }.dropFirst()
        if words.last == "gmt" {
            words.removeLast()
        } else if words.count == 6, let year = words.popLast(), let month = words.popFirst(), let day = words.popFirst()
        {
            words = [day, month, year] + words
        }
        let fields = Array(words)
        guard fields.count == 6, let month = months.firstIndex(where: { $0 == fields[1] }) else { return nil }
        let numbers = [0, 2, 3, 4, 5].compactMap { Int32(fields[$0]) }
        guard numbers.count == 5, (1...31).contains(numbers[0]), (0...9999).contains(numbers[1]),
            (0...23).contains(numbers[2]), (0...59).contains(numbers[3]), (0...60).contains(numbers[4])
        else { return nil }
        var time = tm()
        time.tm_mday = numbers[0]
        time.tm_mon = Int32(month)
        // Years of two digits are those that lie nearest to now.
        let century: Int32 = fields[2].count > 2 ? 0 : numbers[1] < 70 ? 2000 : 1900
        time.tm_year = numbers[1] + century - 1900
        (time.tm_hour, time.tm_min, time.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return Date(timeIntervalSince1970: TimeInterval(timegm(&time)))
    }
}
