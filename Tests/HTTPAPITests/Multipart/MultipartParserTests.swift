import NIOCore
import ShoalTestSupport
import Testing

@testable import HTTPAPI

struct MultipartParserTests {
    private static let disposition = "Content-Disposition: form-data; name=\"a\"\r\n"

    /// Bodies, and what is in them.
    static let samples: [(body: String, parts: [SeenPart])] = [
        ("--xyz\r\n\(disposition)\r\nvalue\r\n--xyz--\r\n", [SeenPart("a", "value")]),
        // Without a line's end at the end, with one part more, and with blanks behind the delimiters.
        (
            "--xyz \t\r\n\(disposition)\r\n1\r\n--xyz\t\r\n\(disposition)\r\n2\r\n--xyz--",
            [SeenPart("a", "1"), SeenPart("a", "2")]
        ),
        // Something before and behind.
        ("pre\r\namble--xyz\r\r\n--xyz\r\n\(disposition)\r\nv\r\n--xyz--\r\n--xyz\r\nepilogue", [SeenPart("a", "v")]),
        ("--xyz--\r\n", []),
        ("\r\n--xyz--", []),
        // Empty content, with and without a CRLF that belongs to the delimiter.
        ("--xyz\r\n\(disposition)\r\n\r\n--xyz--", [SeenPart("a", "")]),
        ("--xyz\r\n\(disposition)\r\n--xyz--", [SeenPart("a", "")]),
        // Content that nearly is a delimiter.
        (
            "--xyz\r\n\(disposition)\r\n\r\n--xy\r\n--xyx\r\r\n-\r\n--\r\n\r\n\r\n--xyz--",
            [SeenPart("a", "\r\n--xy\r\n--xyx\r\r\n-\r\n--\r\n\r\n")]
        ),
        (
            "--xyz\r\n\(disposition)\r\n--xyzz\r\n--xyz1\r\n\r\n--xyz--",
            [SeenPart("a", "--xyzz\r\n--xyz1\r\n")]
        ),
        ("--xyz\r\n\(disposition)\r\n--xy--xyz\r\n--xyz--", [SeenPart("a", "--xy--xyz")]),
        ("--xyz\r\n\(disposition)\r\nline\nline\r\r\n\r\n--xyz--", [SeenPart("a", "line\nline\r\r\n")]),
        // A line in the preamble that only begins like a delimiter.
        ("--xyzz\r\n--xyz\r\n\(disposition)\r\nv\r\n--xyz--", [SeenPart("a", "v")]),
        // Headers in any case and order, folded, and others besides.
        (
            "--xyz\r\nX-Other: 1\r\ncontent-DISPOSITION:form-data ;\r\n name=\"f\"\r\n\t; FileName=x.bin\r\nContent-Type: a/b\r\n\r\n0\r\n--xyz--",
            [SeenPart("f", fileName: "x.bin", "0")]
        ),
    ]

    @Test("A form is the same in one piece, in single bytes and cut at any byte", arguments: samples.indices)
    func cuts(index: Int) {
        let (text, parts) = Self.samples[index]
        let body = Array(text.utf8)
        #expect(Parsed(body) == .form(parts))
        #expect(Parsed(body.cut(at: body.indices)) == .form(parts))
        for first in 0...body.count {
            #expect(Parsed(body.cut(at: [first])) == .form(parts), "cut at \(first)")
            for second in first...body.count where (second - first) < 12 {
                #expect(Parsed(body.cut(at: [first, second])) == .form(parts), "cut at \(first), \(second)")
            }
        }
    }

    @Test("Content of any bytes comes out as it went in, however it is cut", arguments: 0..<40)
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        // Bytes that delimiters are made of come most often.
        let alphabet: [UInt8] = [13, 10, 45, 45, 120, 121, 122, 0, 255]
        for _ in 0..<50 {
            let parts = (0..<Int.random(in: 0...4, using: &random)).map { number in
                var content = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    alphabet.randomElement(using: &random)!
                }
                // The client chooses a boundary that is nowhere in the content.
                while let found = content.firstRange(of: Array("--xyz".utf8)) { content[found.lowerBound] = 0 }
                return SeenPart(
                    "field\(number)", fileName: Bool.random(using: &random) ? "f\(number).bin" : nil, content)
            }
            let body = form(parts)
            let cuts = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                Int.random(in: 0...body.count, using: &random)
            }.sorted()
            #expect(Parsed(body.cut(at: cuts)) == .form(parts), "seed \(seed), cuts \(cuts), body \(body)")
        }
    }

    @Test(
        "Damaged forms are read the same in one piece and in many, and nothing is read behind their ends",
        arguments: 0..<40)
    func damage(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            var body = Array(Self.samples.randomElement(using: &random)!.body.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !body.isEmpty {
                let index = Int.random(in: body.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: body[index] = UInt8.random(in: 0...255, using: &random)
                case 1: body.remove(at: index)
                case 2: body.insert([13, 10, 45, 34, 59, 58].randomElement(using: &random)!, at: index)
                default: body.removeSubrange(index...)
                }
            }
            let whole = Parsed(body)
            #expect(Parsed(body.cut(at: body.indices)) == whole, "seed \(seed), body \(body)")
        }
    }

    @Test("A form that ends anywhere before its last delimiter is incomplete")
    func truncation() {
        let body = Array("--xyz\r\n\(Self.disposition)\r\nvalue\r\n--xyz--\r\n".utf8)
        for count in 0..<(body.count - 2) {
            #expect(Parsed(Array(body[..<count])) == .refused(.truncated), "\(count) bytes")
        }
        #expect(Parsed(Array(body.dropLast(2))) == .form([SeenPart("a", "value")]))
    }

    @Test(
        "What is no form is refused with the reason",
        arguments: [
            ("", .truncated),
            ("value", .truncated),
            ("--xy\r\n", .truncated),
            ("--xyz\n\(disposition)\r\nv\n--xyz--\n", .truncated),
            ("--xyz\r\n\(disposition)\r\nv\n--xyz--\n", .truncated),
            ("--xyz\r\r\n", .badDelimiter),
            ("--xyz-\r\n", .badDelimiter),
            ("--xyz \u{0B}\r\n", .badDelimiter),
            ("--xyz\(String(repeating: " ", count: 257))\r\n", .badDelimiter),
            ("--xyz\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\n\(disposition)\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Type: a/b\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\n\(disposition)\(disposition)\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\n \(disposition)\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\n: form-data; name=a\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent Disposition: form-data; name=a\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; filename=a\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a\"b\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a; filename*=b\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a; filename*=UTF-16''b\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a; filename*=utf-8''%F\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a\u{0}\r\n\r\nv\r\n--xyz--", .badHeader),
            ("--xyz\r\nContent-Disposition: form-data; name=a\rb\r\n\r\nv\r\n--xyz--", .badHeader),
            (
                "--xyz\r\n\(disposition)Content-Transfer-Encoding: base64\r\n\r\nv\r\n--xyz--", .unsupportedEncoding
            ),
            ("--xyz\r\n\(disposition)X: \(String(repeating: "x", count: 20_000))\r\n\r\nv", .headersTooLong),
            ("--xyz\r\n\(String(repeating: "X: 1\r\n", count: 40))\(disposition)\r\nv\r\n--xyz--", .badHeader),
            (String(repeating: "--xyz\r\n\(disposition)\r\nv\r\n", count: 33) + "--xyz--", .tooManyParts),
        ] as [(String, MultipartError.Code)])
    func refusals(body: String, code: MultipartError.Code) {
        let bytes = Array(body.utf8)
        #expect(Parsed(bytes) == .refused(code))
        #expect(Parsed(bytes.cut(at: bytes.indices)) == .refused(code))
    }

    @Test("Headers that are no UTF-8 are refused")
    func notUTF8() {
        var body = Array("--xyz\r\nContent-Disposition: form-data; name=\"a?\"\r\n\r\nv\r\n--xyz--".utf8)
        let index = body.firstIndex(of: UInt8(ascii: "?"))!
        body[index] = 0xE9
        #expect(Parsed(body) == .refused(.badHeader))
    }

    @Test(
        "File names are read as clients write them",
        arguments: [
            (#"filename="a b.bin""#, "a b.bin"),
            ("filename=plain.bin", "plain.bin"),
            ("filename=\"\"", ""),
            (#"filename="quo\"te\\.bin""#, #"quo"te\.bin"#),
            (#"filename="C:\dir\a.bin""#, #"C:\dir\a.bin"#),
            ("filename=\"ünï.bin\"", "ünï.bin"),
            ("filename=\"semi;colon=.bin\"", "semi;colon=.bin"),
            ("filename=\"a%22b.bin\"", "a%22b.bin"),
            ("filename=\"old.bin\"; filename*=UTF-8''na%C3%AFve.bin", "naïve.bin"),
            ("filename*=utf-8'en'a%20b.bin; filename=old.bin", "a b.bin"),
            ("filename=a.bin;", "a.bin"),
        ])
    func fileNames(text: String, name: String) {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"f\"; \(text)\r\n\r\n0\r\n--xyz--"
        #expect(Parsed(body) == .form([SeenPart("f", fileName: name, "0")]))
    }

    @Test(
        "A boundary is taken from the content type",
        arguments: [
            ("multipart/form-data; boundary=abc", "abc"),
            ("Multipart/Form-Data;boundary=\"a b:c\"; charset=utf-8", "a b:c"),
            (
                "multipart/form-data; Boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
                "----WebKitFormBoundary7MA4YWxkTrZu0gW"
            ),
        ])
    func boundaries(contentType: String, boundary: String) throws {
        #expect(try MultipartBoundary(contentType: contentType).bytes == Array(boundary.utf8))
    }

    @Test(
        "Content types without a usable boundary are refused",
        arguments: [
            (nil, .otherType), ("", .otherType), ("application/json", .otherType),
            ("multipart/mixed; boundary=a", .otherType),
            ("multipart/form-data", .badBoundary), ("multipart/form-data; boundary=", .badBoundary),
            ("multipart/form-data; boundary=\"\"", .badBoundary),
            ("multipart/form-data; boundary=a; boundary=b", .badBoundary),
            ("multipart/form-data; boundary=\"a \"", .badBoundary),
            ("multipart/form-data; boundary=\"a\u{e9}\"", .badBoundary),
            ("multipart/form-data; boundary=\(String(repeating: "a", count: 71))", .badBoundary),
        ] as [(String?, MultipartError.Code)])
    func badBoundaries(contentType: String?, code: MultipartError.Code) {
        #expect(throws: (any Error).self) { try MultipartBoundary(contentType: contentType) }
        do { _ = try MultipartBoundary(contentType: contentType) } catch { #expect(error.code == code) }
    }

    @Test("A long file is read without copies, in time that grows as its size", arguments: [UInt8(13), 45, 0])
    func long(byte: UInt8) throws {
        var parser = MultipartParser(boundary: try MultipartBoundary("xyz"))
        let piece = ByteBuffer(repeating: byte, count: 1 << 16)
        var head = ByteBuffer(string: "--xyz\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n")
        #expect(try parser.next(in: &head) == .part(MultipartPart(name: "f", fileName: "f")))
        var count = 0
        for _ in 0..<4 {
            var piece = piece
            while case .content(let content)? = try parser.next(in: &piece) { count += content.readableBytes }
        }
        // A CR may yet turn out to begin the delimiter.
        #expect(count == (4 << 16) - (byte == 13 ? 1 : 0))
    }
}
