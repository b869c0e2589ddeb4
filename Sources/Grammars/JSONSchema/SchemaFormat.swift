/// The values of the keyword `format` that are enforced, each as a regular expression that every valid text matches, or a part of
/// the valid texts where that is said.
enum SchemaFormat {
    /// Formats of strings that say nothing about which are valid (OpenAPI).
    static let annotations: Set<String> = ["binary", "password", "float", "double", "path", ""]

    /// Formats that zod names beside the pattern that is all they mean.
    static let namesOfPatterns: Set<String> = [
        "base64url", "cidrv4", "cidrv6", "cuid", "cuid2", "e164", "emoji", "jwt", "ksuid", "nanoid", "ulid", "xid",
    ]

    /// Formats of numbers (OpenAPI).
    static let integers: [String: ClosedRange<Int128>] = [
        "int8": -128...127, "int16": -32_768...32_767, "int32": -2_147_483_648...2_147_483_647,
        "int64": -9_223_372_036_854_775_808...9_223_372_036_854_775_807, "uint8": 0...255, "uint16": 0...65_535,
        "uint32": 0...4_294_967_295, "uint64": 0...18_446_744_073_709_551_615,
    ]

    /// The regular expression of a format; `nil` if the format is not known.
    static func pattern(_ name: String) -> String? { patterns[name] }

    /// A regular expression for texts of a format that have at most so many characters, and how many those may have then; `nil`
    /// if the format's own serves as well.
    ///
    /// Counting characters through a long expression would take too many rules. So texts are written in fewer ways.
    static func pattern(_ name: String, atMost maximum: Int) -> (pattern: String, maximum: Int)? {
        let label = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
        switch name {
        // Names of people and labels of hosts are short enough where the whole is.
        case "email" where maximum < 230:
            return ("^[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*@(?:\(label)\\.)+[A-Za-z]{2,}$", min(maximum, 66))
        case "hostname" where maximum < 209: return ("^\(label)(?:\\.\(label))*$", min(maximum, 63))
        case "uri" where maximum > 100:
            let start = "[A-Za-z][A-Za-z0-9+.-]{0,11}://[A-Za-z0-9._~-]{1,60}(?::[0-9]{1,5})?"
            let left = maximum - 82
            let character = "[A-Za-z0-9._~!$&'()*+,;=:@/?-]"
            // An escape takes three characters.
            let rest =
                left < 900 ? "\(character){0,\(left)}" : "(?:\(character)|%[0-9A-Fa-f]{2}){0,\(min(left / 3, 3000))}"
            return ("^\(start)(?:[/?]\(rest))?$", maximum)
        default: return nil
        }
    }

    private static let patterns: [String: String] = {
        // RFC 3339, in the years that programs know, without leap seconds and with at most 6 digits of a second.
        let leapYear = #"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"#
        let year = #"(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9])"#
        let day = "(?:0[1-9]|1\\d|2[0-8])"
        let date =
            "(?:\(year)-(?:(?:0[13578]|1[02])-(?:\(day)|29|3[01])|(?:0[469]|11)-(?:\(day)|29|30)|02-\(day))"
            + "|\(leapYear)-02-29)"
        let clock = #"(?:[01]\d|2[0-3]):[0-5]\d"#
        let time = "\(clock):[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-]\(clock))"
        // RFC 3339, appendix A, with at most 4 digits of each unit.
        let n = #"\d{1,4}"#
        let timeParts = "T(?:\(n)H(?:\(n)M(?:\(n)S)?)?|\(n)M(?:\(n)S)?|\(n)S)"
        let dateParts = "(?:\(n)Y(?:\(n)M(?:\(n)D)?)?|\(n)M(?:\(n)D)?|\(n)D)"
        // Names of hosts (RFC 1123) with labels of at most 41 characters and one hyphen.
        let label = "[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20})?"
        let byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
        let ipv4 = "\(byte)(?:\\.\(byte)){3}"
        let hex = "[0-9A-Fa-f]"
        let group = "\(hex){1,4}"
        // RFC 3986; of relative references none, of hosts names and IPv4 addresses.
        let unit = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%\(hex){2})"
        let uri =
            "[A-Za-z][A-Za-z0-9+.-]*:(?://[A-Za-z0-9._~-]+(?::[0-9]{1,5})?(?:/\(unit)*)*|\(unit)+(?:/\(unit)*)*)"
            + "(?:\\?(?:\(unit)|[/?])*)?(?:#(?:\(unit)|[/?])*)?"
        // Groups of zeros may be left out once (RFC 4291); no IPv4 address at the end.
        let ipv6 =
            ["(?:\(group):){7}\(group)", "(?:\(group):){1,7}:"]
            + (1...6).map { "(?:\(group):){1,\(7 - $0)}(?::\(group)){1,\($0)}" } + ["::(?:\(group)(?::\(group)){0,6})?"]
        return [
            "date": date, "time": time, "date-time": "\(date)T\(time)",
            "duration": "P(?:\(n)W|\(dateParts)(?:\(timeParts))?|\(timeParts))",
            "uuid": "\(hex){8}-\(hex){4}-\(hex){4}-\(hex){4}-\(hex){12}",
            // A part of RFC 5321: no quotes, at most 41 characters of a name and four labels of a host.
            "email": "[A-Za-z0-9_+-]{1,20}(?:\\.[A-Za-z0-9_+-]{1,20})?@(?:\(label)\\.){1,4}[A-Za-z]{2,20}",
            "hostname": "\(label)(?:\\.\(label)){0,4}",
            "ipv4": ipv4, "ipv6": "(?:" + ipv6.joined(separator: "|") + ")",
            "uri": uri,
            "byte": base64, "base64": base64,
        ].mapValues { "^\($0)$" }
    }()

    private static let base64 =
        "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"

    static var known: String {
        (Array(patterns.keys) + Array(integers.keys) + annotations).filter { !$0.isEmpty }.sorted().joined(
            separator: ", ")
    }
}
