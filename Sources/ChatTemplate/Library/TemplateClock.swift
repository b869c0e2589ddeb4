import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The point in time that a template takes for now.
struct TemplateClock {
    let now: Date
    let timeZone: TimeZone

    /// The longest text that a format may make, in bytes.
    private static let maximumBytes = 4096

    /// The time as C's `strftime` writes it in the C locale.
    func formatted(_ format: String) throws(ChatTemplateError) -> String {
        guard !format.isEmpty else { return "" }
        var seconds = time_t(now.timeIntervalSince1970.rounded(.down)) + timeZone.secondsFromGMT(for: now)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: TemplateClock.maximumBytes)
        let count = strftime(&buffer, buffer.count, format, &parts)
        guard count > 0 else {
            throw ChatTemplateError(
                .evaluation,
                "the format of 'strftime_now' makes no text or more than \(TemplateClock.maximumBytes) bytes")
        }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
