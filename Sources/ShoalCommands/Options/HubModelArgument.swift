import ArgumentParser

/// A model on Hugging Face as people write it: `owner/name`, `owner/name/file.gguf`, `owner/name:Q4_K_M`, or the address of
/// its page.
package struct HubModelArgument: ExpressibleByArgument, Hashable, Sendable {
    /// "owner/name".
    package var repository: String
    /// The path within the repository.
    package var file: String?
    package var quantization: String?
    package var revision: String?

    package init?(argument: String) {
        var text = argument[...]
        var isAddress = false
        for prefix in ["https://", "http://"] where text.hasPrefix(prefix) {
            text = text.dropFirst(prefix.count)
            isAddress = true
        }
        for host in ["huggingface.co/", "hf.co/"] where text.hasPrefix(host) {
            text = text.dropFirst(host.count)
            isAddress = false
        }
        // The page of somebody else.
        if isAddress { return nil }
        if let colon = text.lastIndex(of: ":") {
            quantization = String(text[text.index(after: colon)...])
            text = text[..<colon]
        }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }), quantization != "" else { return nil }
        repository = parts[0] + "/" + parts[1]
        parts.removeFirst(2)
        if parts.count > 2, ["blob", "resolve"].contains(parts[0]) {
            revision = String(parts[1])
            parts.removeFirst(2)
        }
        file = parts.isEmpty ? nil : parts.joined(separator: "/")
    }
}
