import Testing

@testable import Hub

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What headers of answers mean.
struct HeaderTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT
    static let moment = Date(timeIntervalSince1970: 784_111_777)

    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7 ", 7), ("99999999999999999999", 1 << 31),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10), ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 09:49:37 1994", 3600),
        ("Sun, 06 Nov 1994 08:49:30 GMT", 0), ("Wed, 01 Jan 2025 00:00:00 GMT", 951_577_823),
    ])
    func `Retry-After is read in both forms`(_ text: String, _ seconds: Int) {
        #expect(RetryAfter.delay(text, now: Self.moment) == .seconds(seconds))
    }

    @Test(arguments: [
        "", "soon", "-1", "1.5", "+3", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov", "06 Xyz 1994 08:49:37 GMT",
        "a, b c d e f g",
    ])
    func `what is no Retry-After asks for no wait`(_ text: String) {
        #expect(RetryAfter.delay(text, now: Self.moment) == nil)
    }

    @Test(arguments: [
        ("\"api\";r=0;t=55", Duration?.some(.seconds(55))), ("\"api\"; r=0; t=3", .seconds(3)),
        ("\"api\";r=5;t=55", nil),
        ("\"api\";t=55", nil), ("", nil), ("\"api\";r=0;t=-5", nil), ("\"api\";r=0", nil),
    ])
    func `RateLimit asks for a wait only where nothing remains`(_ text: String, _ delay: Duration?) {
        #expect(RetryAfter.delay(rateLimit: text) == delay)
    }

    @Test(
        arguments: [
            ("bytes 0-99/1000", 0..<100, UInt64?(1000)), ("Bytes 5-5/6", 5..<6, 6), ("bytes 10-19/*", 10..<20, nil),
            (
                "bytes 9223372036854775000-9223372036854775001/9223372036854775807",
                9_223_372_036_854_775_000..<9_223_372_036_854_775_002, 9_223_372_036_854_775_807
            ),
        ] as [(String, Range<UInt64>, UInt64?)])
    func `Content-Range is read`(_ text: String, _ range: Range<UInt64>, _ total: UInt64?) {
        #expect(ContentRange(text)?.range == range)
        #expect(ContentRange(text)?.totalBytes == total)
    }

    @Test(arguments: [
        "", "bytes", "bytes */1000", "bytes 0-99", "bytes 99-0/1000", "bytes 0-1000/1000", "items 0-99/1000",
        "bytes -5-9/10",
        "bytes +0-9/10", "bytes 0-9/-10", "bytes 0-18446744073709551615/*", "bytes 0-99999999999999999999/*",
        "bytes 0-9/10/10",
        "bytes 0 - 9/10", "bytes 0-9/", "bytes a-b/c",
    ])
    func `what is no Content-Range is refused`(_ text: String) {
        #expect(ContentRange(text) == nil)
    }

    @Test(
        arguments: [
            (["<https://h/api?cursor=a>; rel=\"next\""], "https://h/api?cursor=a"),
            (["</api?p=2>;rel=next"], "/api?p=2"),
            (["<https://h/1>; rel=\"prev\", <https://h/3>; rel=\"next\""], "https://h/3"),
            (["<https://h/a,b;c>; title=\"x\"; REL=\"last next\""], "https://h/a,b;c"),
            (["<x>; rel=prev", "<y>; rel=next"], "y"),
            ([], nil), ([""], nil), (["<https://h/1>"], nil), (["<>; rel=next"], nil), (["https://h; rel=next"], nil),
            (["<https://h/1; rel=next"], nil), (["<a>; rel=nextpage"], nil),
        ] as [([String], String?)])
    func `the next page is found in Link headers`(_ headers: [String], _ next: String?) {
        #expect(LinkHeader.next(headers) == next)
    }

    @Test(arguments: [("\"abc\"", "abc", false), ("W/\"abc\"", "abc", true), ("abc", "abc", false)])
    func `entity tags are read`(_ text: String, _ value: String, _ isWeak: Bool) {
        #expect(EntityTag(text)?.value == value)
        #expect(EntityTag(text)?.condition == (isWeak ? nil : "\"\(value)\""))
    }

    @Test(arguments: ["", "\"\"", "W/", "\"a\"b\"", "a b", "a\r\nb", "é"])
    func `what is no entity tag is refused`(_ text: String) {
        #expect(EntityTag(text) == nil)
    }
}
