extension APIError {
    /// The error as `caller` may see it: where things lie on the machine is told to administrators alone.
    func seen(by caller: Caller, _ configuration: HTTPAPIConfiguration) -> APIError {
        guard !caller.isAdministrator else { return self }
        let paths = MachinePaths(folders: configuration.machineFolders)
        var error = self
        error.message = paths.hidden(in: message)
        error.hint = hint.map(paths.hidden)
        return error
    }
}

/// Finds paths of the machine in texts, and leaves of each only the file's name.
struct MachinePaths {
    /// Where a path that begins so is the machine's and no address of this interface, nor one under the file root.
    private static let roots: Set<Substring> = [
        "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "private", "proc", "root", "run",
        "sbin", "snap", "srv", "sys", "tmp", "Users", "usr", "var", "Volumes",
    ]

    private let folders: [String]

    /// - Parameter folders: absolute paths, in which there may be blanks.
    init(folders: [String]) {
        self.folders = folders.filter { $0.hasPrefix("/") && $0.count > 1 }.sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The text with `model.gguf` for `/home/ada/models/model.gguf`, and `…` for a path that ends in no file's name.
    func hidden(in text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "/")) else { return text }
        var result = ""
        var rest = text[...]
        while let slash = rest.firstIndex(of: "/") {
            let isStart = slash == rest.startIndex ? Self.mayPrecede(result.last) : Self.mayPrecede(rest[..<slash].last)
            result += rest[..<slash]
            rest = rest[slash...]
            guard isStart, let end = end(ofPathAt: rest) else {
                result += "/"
                rest = rest.dropFirst()
                continue
            }
            let name = rest[..<end].split(separator: "/").last ?? ""
            result += name.dropFirst().contains(".") ? String(name) : "…"
            rest = rest[end...]
        }
        return result + rest
    }

    /// Whether a path may begin behind a character: not in the middle of a name, a path or an address.
    private static func mayPrecede(_ character: Character?) -> Bool {
        guard let character else { return true }
        return !(character.isLetter || character.isNumber || "._-~/…".contains(character))
    }

    /// Where the machine's path ends that the text begins with; nil where it begins with none.
    private func end(ofPathAt text: Substring) -> Substring.Index? {
        let folder = folders.first { folder in
            text.hasPrefix(folder)
                && (text.dropFirst(folder.count).first.map { !Self.isOfName($0) || $0 == "/" } ?? true)
        }
        let tail = text.dropFirst(folder?.count ?? 0)
        if folder == nil {
            guard let first = text.dropFirst().split(separator: "/", maxSplits: 1).first,
                Self.roots.contains(first.prefix { Self.isOfName($0) })
            else { return nil }
        }
        var end = tail.firstIndex { !Self.isOfName($0) && $0 != "/" } ?? text.endIndex
        // A full stop ends the sentence.
        while end > text.startIndex, text[text.index(before: end)] == "." { end = text.index(before: end) }
        return end
    }

    private static func isOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "._-+@%~=#".contains(character)
    }
}
