import Foundation
import Testing

@testable import Jobs

struct CommandWordsTests {
    @Test(
        "a command is split at spaces outside quotes, and nothing in it is special",
        arguments: [
            ("train", ["train"]), ("  train   --fast  ", ["train", "--fast"]), ("a\tb\nc", ["a", "b", "c"]),
            ("'a b' c", ["a b", "c"]), ("\"a b\" c", ["a b", "c"]), ("a'b c'd", ["ab cd"]), ("a\\ b c", ["a b", "c"]),
            ("\"a\\\"b\\\\c\\n\"", ["a\"b\\c\\n"]), ("'a\\b'", ["a\\b"]), ("a '' \"\" b", ["a", "", "", "b"]),
            (
                "a $HOME *.py; rm -rf / && b | c > d `e` $(f)",
                "a $HOME *.py; rm -rf / && b | c > d `e` $(f)".split(separator: " ").map(String.init)
            ),
            ("python3 'it'\\''s.py'", ["python3", "it's.py"]), ("[\"a b\", \"\", \"c'd\"]", ["a b", "", "c'd"]),
            ("  [\"x\"]", ["x"]), ("é 日本", ["é", "日本"]), ("a#b #c", ["a#b", "#c"]),
        ])
    func splits(_ text: String, words: [String]) {
        #expect(CommandWords(text)?.words == words)
    }

    @Test(
        "what is no command is none",
        arguments: [
            "", "   ", "'a", "\"a", "a 'b", "a\\", "\"a\\", "[]", "[\"\"]", "[1]", "[\"a\"", "[\"a\\u0000\"]", "a\0b",
            "''", "\"\" a",
        ])
    func refuses(_ text: String) {
        #expect(CommandWords(text) == nil)
    }
}

struct LineSplitterTests {
    @Test("lines come out whole however the bytes come in", arguments: [1, 2, 3, 7, 1000])
    func pieces(size: Int) {
        let bytes = Array("one\r\ntwo\n\nthré🦊e\rx\nlast".utf8)
        var splitter = LineSplitter()
        var lines: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            lines += splitter.lines(adding: bytes[start..<min(start + size, bytes.count)])
        }
        #expect(lines == ["one", "two", "", "thré🦊e\rx"])
        #expect(splitter.rest() == "last")
        #expect(splitter.rest() == nil)
    }

    @Test("a line of any length takes bounded memory and says what is left out")
    func huge() {
        var splitter = LineSplitter()
        let megabyte = [UInt8](repeating: 0x78, count: 1 << 20)
        for _ in 0..<20 { #expect(splitter.lines(adding: megabyte) == []) }
        let lines = splitter.lines(adding: "\r\nnext\n".utf8)
        #expect(lines.count == 2 && lines.last == "next")
        #expect(lines[0].utf8.count < LineSplitter.maximumBytes + 100)
        #expect(lines[0].hasSuffix("(\(20 * (1 << 20) + 1 - LineSplitter.maximumBytes) bytes left out)"))
    }

    @Test("bytes that are no UTF-8 are repaired")
    func notText() {
        var splitter = LineSplitter()
        #expect(splitter.lines(adding: [0x61, 0xFF, 0xC3, 0x0A, 0x00, 0x0A]) == ["a\u{FFFD}\u{FFFD}", "\0"])
    }
}

struct ProgressLineTests {
    @Test(
        "a JSON object with progress or a message tells how training goes",
        arguments: [
            ("{\"progress\":0.4,\"message\":\"epoch 2\"}", 0.4, "epoch 2"), ("  {\"progress\": 1}", 1.0, nil),
            ("{\"progress\":0}", 0.0, nil), ("{\"message\":\"a\\nb\\u0000c\"}", nil, "a b c"),
            ("{\"progress\":null,\"message\":\"x\"}", nil, "x"), ("{\"progress\":1e-3,\"loss\":[{}]}", 0.001, nil),
            ("{\"message\":\"\"}", nil, ""),
        ] as [(String, Double?, String?)])
    func reads(_ line: String, progress: Double?, message: String?) throws {
        let read = try #require(ProgressLine(line))
        #expect(read.progress == progress && read.message == message)
    }

    @Test(
        "any other line belongs to the log",
        arguments: [
            "", "loss 0.3", "{", "{}", "[0.5]", "0.5", "null", "{\"progress\":\"0.5\"}", "{\"progress\":1.01}",
            "{\"progress\":-0.01}", "{\"progress\":1e999}", "{\"progress\":NaN}", "{\"progress\":true}", "{\"step\":3}",
            "{\"message\":3}", "{\"progress\":0.5} trailing", "{'progress':0.5}",
            String(repeating: "{\"a\":", count: 10_000),
            "{\"progress\":" + String(repeating: "[", count: 10_000), "\u{FEFF}{\"progress\":0.5}",
        ])
    func leaves(_ line: String) {
        #expect(ProgressLine(line) == nil)
    }

    @Test("a message is kept short")
    func short() throws {
        let line = try #require(ProgressLine("{\"message\":\"\(String(repeating: "m", count: 60_000))\"}"))
        #expect(line.message?.count == ProgressLine.maximumMessageLength)
    }
}

struct JobLogTests {
    @Test("a log keeps its latest lines and never more bytes than it may")
    func bounded() throws {
        let path = FileManager.default.temporaryDirectory.path + "/log-\(UUID().uuidString)"
        defer { JobLog.remove(path) }
        let log = try JobLog(path: path, maximumBytes: 1000)
        for number in 0..<500 {
            log.append("line \(number)")
            #expect(JobLog.contents(at: path).count <= 1000)
        }
        let lines = String(decoding: JobLog.contents(at: path), as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 40)
        #expect(lines.map(String.init) == (500 - lines.count..<500).map { "line \($0)" })
        JobLog.remove(path)
        #expect(JobLog.contents(at: path) == [])
    }

    @Test("a log that cannot be made is told, and one that is gone is empty")
    func faults() {
        #expect { try JobLog(path: "/nowhere/at/all") } throws: { ($0 as? JobError)?.code == .storage }
        #expect(JobLog.contents(at: "/nowhere/at/all") == [])
    }
}
