import Hub
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the environment says about the hub.
struct ConfigurationTests {
    @Test func `without a word the hub itself is asked, without a token`() throws {
        let configuration = try HubConfiguration.fromEnvironment([:])
        #expect(configuration == .defaults)
        #expect(configuration.endpoint.text == "https://huggingface.co")
        #expect(configuration.token == nil)
    }

    @Test func `endpoint and token come from the variables of every client`() throws {
        let configuration = try HubConfiguration.fromEnvironment(
            ["HF_ENDPOINT": " https://mirror.example:8443/hub/ ", "HF_TOKEN": "hf_secret\n"])
        #expect(configuration.endpoint.text == "https://mirror.example:8443/hub")
        #expect(try configuration.token == HubToken("hf_secret"))
    }

    @Test func `a token shows in no description`() throws {
        let configuration = try HubConfiguration.fromEnvironment(["HF_TOKEN": "hf_secret"])
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, "\(configuration.token as Any)"] {
            #expect(!text.contains("hf_secret"))
        }
    }

    @Test(arguments: ["hf secret", "hf_\u{7}", "hf_é", String(repeating: "h", count: 600)])
    func `what is no token is refused without being repeated`(_ text: String) {
        let error = #expect(throws: HubError.self) { try HubConfiguration.fromEnvironment(["HF_TOKEN": text]) }
        #expect(error?.code == .invalidName)
        #expect(error?.message.contains(text) == false)
    }

    @Test(arguments: [
        "huggingface.co", "ftp://h", "https://", "https://user:word@h", "https://h/?a", "https://h#a", "file:///etc",
        "http://h\n/",
    ])
    func `what is no address of a hub is refused`(_ text: String) {
        let error = #expect(throws: HubError.self) { try HubConfiguration.fromEnvironment(["HF_ENDPOINT": text]) }
        #expect(error?.code == .badConfiguration)
    }

    @Test(arguments: ["HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
    func `the token is found in the file of the official client`(_ variable: String) throws {
        let folder = FileManager.default.temporaryDirectory.path() + "shoal-token-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let below = ["XDG_CACHE_HOME": "/huggingface", "HOME": "/.cache/huggingface"][variable] ?? ""
        try FileManager.default.createDirectory(atPath: folder + below, withIntermediateDirectories: true)
        let environment = [variable: variable == "HF_TOKEN_PATH" ? folder + "/token" : folder]
        #expect(try HubConfiguration.fromEnvironment(environment).token == nil)
        try Data("hf_stored\n".utf8).write(to: URL(filePath: folder + below + "/token"))
        #expect(try HubConfiguration.fromEnvironment(environment).token == HubToken("hf_stored"))
        let given = environment.merging(["HF_TOKEN": "hf_given"]) { $1 }
        #expect(try HubConfiguration.fromEnvironment(given).token == HubToken("hf_given"))
    }
}
