internal import JSON

/// A day as templates print it, in universal time.
struct ChatDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let year: Int
    /// From 1.
    let month: Int
    let day: Int

    /// The civil date of a moment: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    init(unixSeconds: Int) {
        let days = Int((Double(unixSeconds) / 86_400).rounded(.down)) + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The variables that llama-server gives every template.
    var variables: [(String, JSONValue)] {
        let name = Self.months[month - 1]
        let twoDigits = day < 10 ? "0\(day)" : "\(day)"
        return [
            ("datetime", .string("\(name) \(twoDigits) \(year)")),
            ("date_string", .string("\(twoDigits) \(name) \(year)")),
        ]
    }
}
