import Testing

@testable import ShoalCommands

@Suite struct LineEditorTests {
    /// What comes of these bytes, with these lines before.
    private func type(_ bytes: String, history: [String] = []) -> (LineEditor, LineEditor.Outcome) {
        var editor = LineEditor(history: history)
        var keys = KeyReader()
        for byte in bytes.utf8 {
            guard let key = keys.feed(byte) else { continue }
            let outcome = editor.press(key)
            if outcome != .editing { return (editor, outcome) }
        }
        return (editor, .editing)
    }

    @Test(arguments: [
        ("hello\r", "hello"), ("größe 日本 👍🏽\r", "größe 日本 👍🏽"),
        // Backspace, and moving with arrows, Home, End, words.
        ("helo\u{7F}lo\r", "hello"), ("hllo\u{1B}[D\u{1B}[D\u{1B}[De\r", "hello"), ("ello\u{01}h\u{05}!\r", "hello!"),
        ("b\u{1B}[Ha\u{1B}[Fc\r", "abc"), ("b\u{1B}OHa\u{1B}OFc\r", "abc"),
        ("one three\u{1B}[1;5Dtwo \r", "one two three"),
        ("one three\u{1B}btwo \u{1B}f!\r", "one two three!"),
        // Deleting to the ends, a word, and under the cursor.
        ("abc def\u{17}ghi\r", "abc ghi"), ("abc\u{15}def\r", "def"), ("abc\u{01}\u{06}\u{0B}\r", "a"),
        ("abc\u{01}\u{04}\r", "bc"), ("abc\u{01}\u{1B}[3~\r", "bc"),
        // What is unknown, or broken off, is nothing.
        ("a\u{1B}[99;99~b\u{1B}[?25hc\u{00}\r", "abc"), ("a\u{1B}\u{1B}[Cb\r", "ab"), ("a\tb\r", "a b"),
        // Pasted text sends nothing, and keeps its lines.
        ("x\u{1B}[200~a\r\nb\u{07}\tc\u{1B}[201~y\r", "xa\nb\tcy"),
        ("\u{08}\u{7F}\u{17}\u{15}\u{0B}\u{1B}[D\u{1B}[C\u{1B}[3~\r", ""),
    ])
    func `keys become a line`(bytes: String, line: String) {
        #expect(type(bytes).1 == .line(line))
    }

    @Test func `bytes that are no characters are passed over`() {
        var keys = KeyReader()
        let bytes: [UInt8] = [0xFF, 0xC0, 0xE3, 0x81, 0x61, 0xC3, 0xA9, 0xED, 0xA0, 0x80, 0x62]
        #expect(bytes.compactMap { keys.feed($0) } == [.character("a"), .character("é"), .character("b")])
    }

    @Test func `an empty line ends with Ctrl-D, and Ctrl-C gives any line up`() {
        #expect(type("\u{04}").1 == .end)
        #expect(type("a\u{04}").1 == .editing)
        #expect(type("abc\u{03}").1 == .given)
    }

    @Test(arguments: [
        ("\u{1B}[A\r", "second"), ("\u{1B}[A\u{1B}[A\r", "first"), ("\u{1B}[A\u{1B}[A\u{1B}[A\r", "first"),
        ("draft\u{1B}[A\u{1B}[B\r", "draft"), ("\u{1B}[B\r", ""), ("\u{10}!\r", "second!"),
        ("draft\u{1B}[A\u{1B}[A\u{0E}\u{0E}\r", "draft"),
    ])
    func `former lines come back, and the one that was begun`(bytes: String, line: String) {
        #expect(type(bytes, history: ["first", "second"]).1 == .line(line))
    }

    @Test func `what is shown has the cursor in it and fits, whatever is typed`() {
        var state: UInt64 = 42
        /// Knuth's MMIX generator.
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let pieces = [
            "a", "日", " ", "\u{1B}[D", "\u{1B}[C", "\u{01}", "\u{05}", "\u{7F}", "👍", "e\u{301}",
            "\u{1B}[200~x\ny\u{1B}[201~",
        ]
        for _ in 0..<500 {
            let bytes = (0..<random(60)).map { _ in pieces[random(pieces.count)] }.joined()
            let (editor, _) = type(bytes)
            for columns in [2, 3, 10, 40] {
                let (text, column) = editor.view(columns: columns)
                let width = text.map(\.columns).reduce(0, +)
                #expect(width <= columns && column < columns && column <= width, "\(bytes) in \(columns)")
                #expect(!text.contains("\n"))
            }
        }
    }

    @Test(arguments: [
        (10, "one two three four", "one two\nthree four"), (10, "1234567890", "1234567890"),
        (10, "12345 67890", "12345\n67890"),
        (12, "a\nb  c", "a\nb  c"), (10, "abcdefghijklmnop qr", "abcdefghijklmnop qr"), (10, "a    \nb", "a\nb"),
        (10, "", ""),
        (10, "日本語日本語", "日本語日本語"), (10, "aaaa bbbb cccc", "aaaa bbbb\ncccc"),
    ])
    func `words are wrapped, in whatever pieces they come`(columns: Int, text: String, wrapped: String) {
        for size in [1, 2, 3, 5, 100] {
            var wrap = WordWrap(columns: columns)
            var output = ""
            var rest = text[...]
            while !rest.isEmpty {
                output += wrap.feed(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            output += wrap.finish()
            #expect(output == wrapped, "pieces of \(size)")
        }
    }

    @Test(
        arguments: [
            ("GET /v1/models lists the ids.", "“shoal models” lists those that there are"),
            ("DELETE /admin/api/api_tokens/7 revokes it.", "“shoal token remove” revokes it"),
            ("POST /somewhere/else does it.", nil), ("put it right", "put it right"), ("GET ready", "GET ready"),
        ] as [(String, String?)])
    func `hints speak of commands`(hint: String, said: String?) {
        #expect(RouteHint.inCommands(hint) == said)
    }

    @Test func `the parts of a model are one model, and other files are others`() {
        let files = [
            "/a/m-00001-of-00002.gguf", "/a/m-00002-of-00002.gguf", "/a/n.gguf", "/b/m-00002-of-00002.gguf",
            "/a/n.gguf",
        ]
        #expect(ImportCommand.models(files) == [files[0], files[2], files[3]])
    }

    @Test func `an interface that others reach is warned of`() {
        for host in ["127.0.0.1", "localhost", "::1", "127.8.8.8"] {
            #expect(ServeCommand.openness(of: host, url: "http://127.0.0.1:8800") == nil)
        }
        #expect(ServeCommand.openness(of: "0.0.0.0", url: "http://127.0.0.1:8800")?.contains("port 8800") == true)
        #expect(ServeCommand.openness(of: "192.0.2.7", url: "http://192.0.2.7:80")?.contains("192.0.2.7") == true)
    }
}
