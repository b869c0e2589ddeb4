import Hub
import Testing

/// Names that reach files on disk and addresses on the hub.
struct NameTests {
    @Test(arguments: [
        "a/b", "unsloth/Llama-3.2-1B-Instruct-GGUF", "TheBloke/CodeLlama-7B-GGUF", "user_name/model.v1.5_x", "0/1",
        "_owner/_name", "a/b.git2", "console/com", "a/\(String(repeating: "n", count: 96))",
    ])
    func `repositories as the hub has them are taken`(_ text: String) throws {
        #expect(try HubRepository(text).description == text)
    }

    @Test(arguments: [
        // Traversal and absolute paths.
        "", "/", "a", "a/", "/b", "a//b", "a/b/c", "../b", "a/..", "./b", "a/.", "a/../b", "/etc/passwd",
        "a/b/../../etc", "~/b",
        "a/~", "a\\b", "a/b\\c", "C:/b", "a/C:",
        // Control characters and spaces.
        "a/b\0", "\0a/b", "a/b\n", "a\r/b", "a/b\t", "a/ b", "a b/c", "a/b\u{7F}", "a/b\u{85}", "a/b\u{2028}",
        // Percent-encoded, and what would change an address.
        "a/%2e%2e", "a%2Fb/c", "a/b%00", "a/b?x=1", "a/b#x", "a/b@main", "a/b:c", "https://huggingface.co/a/b", "a/b&c",
        "a/b;c",
        // Look-alikes.
        "а/b", "a/ｂ", "a∕b", "a／b", "a/b․c", "a/bé", "a/b\u{200B}", "a/b\u{202E}c", "a/𝐛", "a/b\u{0301}",
        // The hub's own rules.
        "a--b/c", "a/b--c", "a/b..c", "-a/b", "a/b-", ".a/b", "a./b", "a/b.", "a/.b", "a/b.git", "a/b.GIT",
        "a/\(String(repeating: "n", count: 97))", "\(String(repeating: "o", count: 97))/b",
        // Names of devices.
        "con/b", "a/NUL", "a/com1", "a/LPT9.txt", "aux/b", "a/prn.gguf",
    ])
    func `repositories that could mean something else are refused`(_ text: String) {
        let error = #expect(throws: HubError.self) { try HubRepository(text) }
        #expect(error?.code == .invalidName)
        #expect(error?.message.unicodeScalars.contains { $0.value < 0x20 } == false)
    }

    @Test(arguments: [
        "model.gguf", "Q4_K_M/model-00001-of-00002.gguf", "a/b/c/d.gguf", ".gitattributes", "notes (1).txt",
        "a/.hidden", "~x",
        "model..gguf", "con-text.gguf", "a+b=c&d,e;f@g!.gguf", "x'y[z]{w}.gguf", String(repeating: "n", count: 255),
    ])
    func `paths of files are taken`(_ text: String) throws {
        let path = try HubFilePath(text)
        #expect(path.text == text)
        #expect(path.folder.isEmpty ? path.name == text : path.folder + "/" + path.name == text)
    }

    @Test(arguments: [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "a/..", "a/b/../../../c",
        "...", "a/ ",
        "a /b", " a", "a.", "a./b", "a/b\0", "a\0.gguf", "a\nb", "a\tb", "a\u{7F}", "a\\b", "..\\a", "a/..\\..\\b",
        "C:\\a", "C:a",
        "\\\\host\\share", "a%2F..%2Fb", "%2e%2e/a", "a%00.gguf", "a?b", "a#b", "a*b", "a\"b", "a<b", "a>b", "a|b",
        "é.gguf",
        "а.gguf", "a／b", "a∕b", "a‥/b", "․․/a", "a\u{202E}fugg", "a\u{FEFF}", "a\u{0301}", "𝐚", "nul", "a/CON",
        "con.gguf",
        "a/com3.gguf", "LPT1/a", "a/aux.tar.gz", "file:///etc/passwd", "http://h/a", String(repeating: "n", count: 256),
        String(repeating: "a/", count: 256) + "b", String(repeating: "n", count: 100_000),
    ])
    func `paths that could leave their folder are refused`(_ text: String) {
        let error = #expect(throws: HubError.self) { try HubFilePath(text) }
        #expect(error?.code == .invalidName)
        #expect((error?.message.utf8.count ?? 0) < 600)
    }

    @Test(arguments: [
        ("a.gguf", true), ("a/b.GGUF", true), (".gguf", false), ("a/.gguf", false), ("a.gguf.txt", false),
        ("gguf", false),
    ])
    func `GGUF files are told by their names`(_ text: String, _ isGGUF: Bool) throws {
        #expect(try HubFilePath(text).isGGUF == isGGUF)
    }

    @Test(arguments: ["main", "v1.0", "refs/pr/3", "feature_x", "0123456789abcdef0123456789abcdef01234567"])
    func `revisions are taken`(_ text: String) throws {
        #expect(try HubRevision(text).text == text)
    }

    @Test(arguments: [
        "", "..", "a/../b", "/a", "a/", "a//b", ".a", "-a", "a b", "a%2Fb", "a?b", "a\n", "é", "a.",
        String(repeating: "r", count: 129),
    ])
    func `revisions that could mean something else are refused`(_ text: String) {
        #expect(throws: HubError.self) { try HubRevision(text) }
    }
}
