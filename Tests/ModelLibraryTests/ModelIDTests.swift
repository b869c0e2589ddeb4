import Identifiers
import ModelLibrary
import ShoalTestSupport
import Testing

struct ModelIDTests {
    @Test(
        "a file name gives the id",
        arguments: [
            ("tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", "tinyllama-1.1b-chat-v1.0.q4-k-m"),
            ("/models/Qwen2.5 Coder (7B).GGUF", "qwen2.5-coder-7b"),
            ("a__b--c.gguf", "a-b-c"),
            ("-x-.gguf", "x"),
            ("model", "model"),
            ("Größe.gguf", "gr-e"),
            ("big-Q8_0-00002-of-00003.gguf", "big-q8-0"),
            ("...hidden.gguf", "hidden"),
            ("v1..2.gguf", "v1..2"),
        ]
    )
    func fileNames(name: String, id: String) {
        #expect(ModelID(fileName: name)?.rawValue == id)
    }

    @Test(
        "a file name without a letter or digit gives none",
        arguments: ["", ".gguf", "...gguf", "---.gguf", "日本.gguf", "/"])
    func hopelessFileNames(name: String) {
        #expect(ModelID(fileName: name) == nil)
    }

    @Test(
        "text that is no id is refused",
        arguments: [
            "", ".", "..", "../x", "a/b", "A", "a b", "a_b", "a--b", "-a", "a-", ".a", "é", "a\n", "a\0", "loras",
            String(repeating: "a", count: 201),
        ]
    )
    func refused(text: String) {
        #expect(ModelID(text) == nil)
    }

    @Test("any file name gives an id that is one, and stays the same", arguments: 1...10)
    func properties(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = Array("abzAZ019-_. /\\\u{0}é🐟\n")
        for _ in 0..<500 {
            let length = Int.random(in: 0...300, using: &random)
            let name = String((0..<length).compactMap { _ in alphabet.randomElement(using: &random) })
            guard let id = ModelID(fileName: name) else { continue }
            #expect(ModelID(id.rawValue) == id)
            #expect(ModelID(fileName: id.rawValue + ".gguf") == id)
            #expect(!id.rawValue.contains("/"))
        }
    }
}

struct ShardSelectionTests {
    @Test(
        "numbers and ranges are read",
        arguments: [("0", [0]), ("0,2-4", [0, 2, 3, 4]), ("3-3", [3]), ("1,1", [1])]
    )
    func parsing(text: String, expected: [Int]) throws {
        let selection = try ShardSelection(parsing: text)
        #expect(selection.indices.sorted().map(\.rawValue) == expected)
        #expect(try ShardSelection(parsing: selection.description) == selection)
    }

    @Test(
        "anything else is refused and quoted",
        arguments: ["", ",", "1,", "a", "4-2", "-1", "1-", "1-2-3", "0-99999999", "1.5"])
    func refused(text: String) {
        let error = #expect(throws: LibraryError.self) { try ShardSelection(parsing: text) }
        #expect(error?.code == .badShards)
    }
}
