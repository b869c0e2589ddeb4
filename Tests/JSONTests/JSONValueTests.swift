import JSON
import ShoalTestSupport
import Testing

@Suite("JSON")
struct JSONValueTests {
    @Test(
        "A document is read and written back",
        arguments: [
            ("null", "null"), (" true ", "true"), ("[]", "[]"), ("{ }", "{}"), ("-0", "-0"), ("0.5", "0.5"),
            ("1E2", "1E2"),
            ("[1, 2 ,3]", "[1,2,3]"), (#"{"b":1,"a":{"c":[]}}"#, #"{"b":1,"a":{"c":[]}}"#),
            (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#), ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"), (#""\u00e9\ud83d\ude00\/""#, #""é😀/""#),
            (#""\ud83dx""#, "\"\u{FFFD}x\""), (#""\ud83d\u0041""#, "\"\u{FFFD}A\""), (#""\ude00""#, "\"\u{FFFD}\""),
            (#""\u0001\b\f\n\r\t\"\\""#, #""\u0001\b\f\n\r\t\"\\""#), ("1e-7", "1e-7"), ("\"\u{7F}\"", "\"\u{7F}\""),
        ])
    func roundTrip(text: String, expected: String) throws {
        #expect(try JSONValue(parsing: text).serialized() == expected)
    }

    @Test(
        "Text that is no JSON is refused where it stops being JSON",
        arguments: [
            ("", 0, "expected a value, found the end of the text"), ("[1,]", 3, "expected a value, found ']'"),
            ("{,}", 1, "expected a key in quotes or '}', found ','"),
            (#"{"a" 1}"#, 5, "expected ':' after the key, found '1'"),
            ("01", 1, "expected the end of the text, found '1'"),
            ("1.", 2, "expected a digit, found the end of the text"),
            ("+1", 0, "expected a value, found '+'"), ("nul", 3, "expected 'null', found the end of the text"),
            ("\"a\nb\"", 2, "expected an escape instead of a control character in a string, found the byte 0xA"),
            (#""\x""#, 2, #"expected one of " \ / b f n r t u after a backslash, found 'x'"#),
            (#""\u12g4""#, 5, #"expected four hexadecimal digits after \u, found 'g'"#),
            ("NaN", 0, "expected a value, found 'N'"),
            ("[1 2]", 3, "expected ',' or ']', found '2'"), ("\u{FEFF}1", 0, "expected a value, found the byte 0xEF"),
        ])
    func refusal(text: String, offset: Int, message: String) {
        let error = #expect(throws: JSONParsingError.self) { try JSONValue(parsing: text) }
        #expect(error?.code == .syntax)
        #expect(error?.offset == offset)
        #expect(error?.message == message)
    }

    @Test("Bytes that are not UTF-8 are refused")
    func invalidUTF8() {
        let error = #expect(throws: JSONParsingError.self) {
            try JSONValue(parsing: [0x22, 0xC0, 0x80, 0x22] as [UInt8])
        }
        #expect(error?.code == .invalidUTF8)
    }

    @Test("A number beyond floating point is refused")
    func numberOutOfRange() {
        let error = #expect(throws: JSONParsingError.self) { try JSONValue(parsing: "[1e999]") }
        #expect(error?.code == .numberOutOfRange)
        #expect(error?.offset == 1)
    }

    @Test("Nesting is accepted up to the limit", arguments: [(128, true), (129, false), (100_000, false)])
    func depth(levels: Int, isAccepted: Bool) {
        let text = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        if isAccepted {
            #expect(throws: Never.self) { try JSONValue(parsing: text) }
        } else {
            #expect(throws: JSONParsingError.self) { try JSONValue(parsing: text) }
        }
    }

    @Test("A document over the size limit is refused")
    func size() {
        let error = #expect(throws: JSONParsingError.self) {
            try JSONValue(parsing: "[1,2,3]", limits: JSONLimits(sizeBytes: 6))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test(
        "A document of more values, or more that hold others, than there may be is refused at the one too many",
        arguments: [
            ("[1,2,3]", 4, 1, nil), ("[1,2,3]", 3, 1, 5), ("[[],{}]", 3, 3, nil), ("[[],{}]", 9, 2, 4),
            (#"{"":{"":1}}"#, 9, 1, 4), (#"{"a":1,"a":2,"a":3}"#, 3, 1, 17),
        ] as [(String, Int, Int, Int?)])
    func counts(text: String, nodes: Int, containers: Int, offset: Int?) {
        let limits = JSONLimits(nodes: nodes, containers: containers)
        do throws(JSONParsingError) {
            _ = try JSONValue(parsing: text, limits: limits)
            #expect(offset == nil)
        } catch {
            #expect(error.code == .tooLarge)
            #expect(error.offset == offset)
        }
    }

    @Test("Every escape is read as it is written, in either case, and written as Python writes it")
    func escapes() throws {
        for value in UInt32(0)...0xFFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let digits = String(value, radix: 16)
            let padded = String(repeating: "0", count: 4 - digits.count) + digits
            for written in [padded, padded.uppercased()] {
                #expect(try JSONValue(parsing: "\"a\\u\(written)b\"") == .string("a\(scalar)b"))
            }
            guard value < 0x20 || value > 0x7E else { continue }
            let text = JSONValue.string("a\(scalar)b").serialized(.python())
            #expect(text == "\"a\\u\(padded)b\"" || [8, 9, 10, 12, 13].contains(value))
        }
    }

    @Test("A text with much to escape is written and read back", arguments: 0..<20)
    func texts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "a", "\"", "\\", "\n", "\u{1}", "\u{7F}", "é", "e\u{301}", "😀", "\r\n", "\u{1F468}\u{200D}\u{1F469}", "/",
        ]
        let text = (0..<300).compactMap { _ in pieces.randomElement(using: &random) }.joined()
        for format in [JSONFormat.compact, .python()] {
            let written = JSONValue.string(text).serialized(format)
            let read = try #require(try JSONValue(parsing: written).string)
            #expect(Array(read.utf8) == Array(text.utf8))
            #expect(written.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }

    @Test("Whether a document is larger than so much is told without writing it")
    func largeness() {
        let value: JSONValue = ["key": ["0123456789", 1, nil, ["a": true]]]
        let bytes = value.serialized().utf8.count
        #expect(!value.isLarger(than: 2 * bytes))
        #expect(value.isLarger(than: bytes / 2))
        #expect(JSONValue.array([JSONValue](repeating: [], count: 1000)).isLarger(than: 1000))
        #expect(JSONValue.object([(String(repeating: "k", count: 1000), nil)]).isLarger(than: 900))
    }

    @Test("The Python layout is that of json.dumps")
    func pythonLayout() {
        let value: JSONValue = ["b": [1, 2.0, "é\u{7F}😀"], "a": [:], "c": []]
        #expect(value.serialized(.python()) == #"{"b": [1, 2.0, "\u00e9\u007f\ud83d\ude00"], "a": {}, "c": []}"#)
        #expect(
            value.serialized(.python(ensuresASCII: false, sortsKeys: true))
                == "{\"a\": {}, \"b\": [1, 2.0, \"é\u{7F}😀\"], \"c\": []}")
        let indented: JSONValue = ["b": [1, [:]], "a": nil]
        #expect(
            indented.serialized(.python(indentation: "  "))
                == "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": null\n}")
    }

    @Test(
        "Floating point prints as in Python",
        arguments: [
            (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (100, "100.0"), (0.1, "0.1"), (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"), (0.0001, "0.0001"), (0.00001, "1e-05"), (1.25e-7, "1.25e-07"),
            (123456.789, "123456.789"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9_007_199_254_740_992, "9007199254740992.0"),
            (.infinity, "inf"),
        ])
    func floats(value: Double, expected: String) {
        #expect(value.pythonDescription == expected)
    }

    @Test("Members are read, set and removed in order")
    func members() {
        var value: JSONValue = ["a": 1, "b": ["x", "y"]]
        #expect(value["b"]?[1]?.string == "y")
        #expect(value["b"]?[2] == nil)
        #expect(value["c"] == nil)
        value["a"] = 2.0
        value["c"] = true
        value["b"] = nil
        #expect(value.serialized() == #"{"a":2.0,"c":true}"#)
        #expect(value["a"]?.integer == 2)
        #expect(value.keys == ["a", "c"])
    }

    @Test("Mutated documents are read or refused, and what is read survives another round", arguments: 0..<8)
    func mutations(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let original = Array(
            #"{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{"c":{"d":[[],{}]}},"e":"\"quoted\""}"#.utf8)
        for _ in 0..<2000 {
            var bytes = original
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert("{}[],:\"\\eE+-0u".utf8.randomElement(using: &random)!, at: index)
                case 2: bytes.remove(at: index)
                default: bytes.append(contentsOf: bytes[..<index].suffix(8))
                }
            }
            do {
                let value = try JSONValue(parsing: bytes)
                #expect(try JSONValue(parsing: value.serializedBytes()) == value)
            } catch {
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }
}
