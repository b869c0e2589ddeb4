import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model on Hugging Face as people write it: `owner/name`, `owner/name/file.gguf`, `owner/name:Q4_K_M`, or the address of
/// its page or of a file to download, with whatever a browser has put behind it.
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
        for host in ["www.huggingface.co/", "huggingface.co/", "hf.co/"] where text.lowercased().hasPrefix(host) {
            text = text.dropFirst(host.count)
            text = text.prefix { $0 != "?" && $0 != "#" }
            guard let path = URL(string: "https://\(host)\(text)")?.path(percentEncoded: false) else { return nil }
            text = path.dropFirst()
            if text.hasSuffix("/") { text = text.dropLast() }
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
        if parts.count > 2, ["blob", "resolve", "raw"].contains(parts[0]) {
            revision = String(parts[1])
            parts.removeFirst(2)
        } else if (1...2).contains(parts.count), parts[0] == "tree" {
            // The list of files of a revision.
            revision = parts.count == 2 ? String(parts[1]) : nil
            parts = []
        }
        file = parts.isEmpty ? nil : parts.joined(separator: "/")
    }
}

/// What “shoal pull” is to fetch.
package enum PullArgument: ExpressibleByArgument, Hashable, Sendable {
    case model(HubModelArgument)
    /// Something to search for: it has no “/” and is no address.
    case words(String)

    package init?(argument: String) {
        if let model = HubModelArgument(argument: argument) {
            self = .model(model)
        } else if !argument.contains("/"), argument.contains(where: { !$0.isWhitespace }) {
            self = .words(argument)
        } else {
            return nil
        }
    }
}
