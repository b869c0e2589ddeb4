extension ModelOrigin {
    /// Takes an origin from a place that may hold anything, such as another node or a file.
    ///
    /// - Throws: `AcquisitionError` of code `badOrigin` that names the field: a repository is `owner/name`; a file is a path
    ///   within it that leads nowhere else and ends in `.gguf`; a revision is a name or a commit.
    package init(
        checking repository: String, file: String, revision: String?, projector: String? = nil
    ) throws(AcquisitionError) {
        let names = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy({ Self.isName($0, limit: 96) }) else {
            throw Self.fault("repo_id", repository, "use owner/name")
        }
        guard Self.isModelPath(file) else { throw Self.fault("filename", file, "use the path of a .gguf file") }
        if let revision {
            let parts = revision.split(separator: "/", omittingEmptySubsequences: false)
            guard revision.utf8.count <= 128, parts.allSatisfy({ Self.isName($0, limit: 128) }) else {
                throw Self.fault("revision", revision, "use a branch, a tag or a commit")
            }
        }
        if let projector, !Self.isModelPath(projector) {
            throw Self.fault("mmproj_filename", projector, "use the path of a .gguf file")
        }
        self.init(repository: repository, file: file, revision: revision, projector: projector)
    }

    /// This origin, checked like one from elsewhere.
    func checked() throws(AcquisitionError) -> ModelOrigin {
        try ModelOrigin(checking: repository, file: file, revision: revision, projector: projector)
    }

    private static func fault(_ field: String, _ value: String, _ advice: String) -> AcquisitionError {
        let shown = value.unicodeScalars.prefix(80).map { $0.value < 32 ? "?" : String($0) }.joined()
        return AcquisitionError(.badOrigin, field: field, "\(field) is \"\(shown)\"; \(advice)")
    }

    private static func isName(_ name: Substring, limit: Int) -> Bool {
        (1...limit).contains(name.utf8.count) && name != "." && !name.contains("..")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func isModelPath(_ path: String) -> Bool {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= 512 && path.lowercased().hasSuffix(".gguf") && names.last?.count ?? 0 > 5
            && names.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && path.unicodeScalars.allSatisfy { $0.value >= 32 && !(127...159).contains($0.value) && $0 != "\\" }
    }
}
