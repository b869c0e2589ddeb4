import Adapters
import Testing

@Suite("Names of LoRA files")
struct LoRANameTests {
    @Test(
        "What people call files becomes a safe name",
        arguments: [
            ("my_lora.safetensors", "my_lora.safetensors"),
            ("My LoRA (final).SafeTensors", "My_LoRA_final_.safetensors"),
            ("größe.pt", "gr_e.pt"), (".hidden.pth", "_hidden.pth"), ("..pt", "_.pt"), ("日本語.ckpt", "_.ckpt"),
            ("a.b.c.bin", "a.b.c.bin"), ("a;rm -rf $HOME.bin", "a_rm_-rf_HOME.bin"), ("con_v2.bin", "con_v2.bin"),
            ("console.pt", "console.pt"),
            ("com10.pt", "com10.pt"), ("a-b.pt", "a-b.pt"),
            (String(repeating: "n", count: 300) + ".safetensors", String(repeating: "n", count: 116) + ".safetensors"),
            ("x.safetensors.pt", "x.safetensors.pt"), ("caf\u{65}\u{301}.pt", "cafe_.pt"),
        ])
    func safe(_ original: String, _ safe: String) throws {
        let name = try LoRAFileName(safe: original)
        #expect(name.description == safe)
        #expect(LoRAFileName(safe) == name)
        #expect(name.description.utf8.count <= LoRAFileName.maximumLength)
    }

    @Test(
        "Paths, control characters and other extensions are refused",
        arguments: [
            "", "noextension", ".safetensors", "a.txt", "a.safetensors.exe", "a.safetensors/", "../a.pt", "a/b.pt",
            "a\\b.pt",
            "-rf.bin", "--help.pt", "con.pt", "NUL.safetensors", "Aux.v2.bin", "com1.ckpt", "LPT9.pt", "prn..pt",
            "a\0.pt", "a\n.pt", "a.pt\u{7F}", "a.", "a.PTX", String(repeating: "n", count: 2000) + ".pt", "a.p\u{0442}",
        ])
    func refused(_ original: String) async {
        #expect(await code { _ = try LoRAFileName(safe: original) } == .badName)
    }

    @Test(
        "Only a type, a slash and a safe name are a path",
        arguments: [
            "", "styles", "styles/", "/styles/a.pt", "styles//a.pt", "styles/a.pt/", "styles/../a.pt", "./styles/a.pt",
            "../styles/a.pt", "other/a.pt", "Styles/a.pt", "styles/.a.pt", "styles/a b.pt", "styles/a.txt",
            "styles/a.PT",
            "styles/a.pt\0", ".incoming/a.pt", "styles\\a.pt", "styles/" + String(repeating: "n", count: 126) + ".pt",
        ])
    func paths(_ path: String) async {
        #expect(await code { _ = try LoRAPath(partialPath: path) } == .badName)
    }

    @Test("Types are those of the contract, or none")
    func types() async throws {
        #expect(try LoRAType(named: nil).rawValue == "no_type_provided")
        #expect(try LoRAType(named: "") == .none)
        #expect(try LoRAType(named: "faces").isForAdministrators)
        #expect(try LoRAType(named: "styles").isForAdministrators == false)
        for name in ["Styles", "cars", "../styles", "styles\0", " styles"] {
            #expect(await code { _ = try LoRAType(named: name) } == .badType)
        }
    }
}
