/// A model as `/api/models` and `/api/models/{id}` write it, as far as it is used.
struct ModelAnswer: Decodable, Sendable {
    struct Sibling: Decodable, Sendable {
        struct LargeFile: Decodable, Sendable {
            var size: Int64?
            var sha256: String?
        }
        var rfilename: String
        var size: Int64?
        var lfs: LargeFile?
    }

    /// `false`, `"auto"` or `"manual"`.
    struct Gate: Decodable, Sendable {
        let gate: HubGate

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                gate = text == "auto" ? .automatic : .manual
            } else {
                gate = ((try? container.decode(Bool.self)) ?? false) ? .manual : .open
            }
        }
    }

    var id: String
    var sha: String?
    var downloads: Int?
    var likes: Int?
    var tags: [String]?
    var gated: Gate?
    var `private`: Bool?
    var lastModified: String?
    var siblings: [Sibling]?

    /// The files whose paths can be fetched.
    var files: [HubListedFile] {
        (siblings ?? []).compactMap { sibling in
            guard let path = try? HubFilePath(sibling.rfilename) else { return nil }
            let size = (sibling.size ?? sibling.lfs?.size).flatMap { UInt64(exactly: $0) }
            return HubListedFile(path: path, sizeBytes: size, sha256: SHA256Text.checked(sibling.lfs?.sha256))
        }
    }
}

/// An entry of `/api/models/{id}/tree/{revision}`.
struct TreeEntry: Decodable, Sendable {
    struct LargeFile: Decodable {
        var oid: String?
        var size: Int64?
    }

    var type: String
    var path: String
    var size: Int64?
    var lfs: LargeFile?

    /// Nil for folders, and for files whose paths cannot be fetched.
    var file: HubListedFile? {
        guard type == "file", let path = try? HubFilePath(path) else { return nil }
        let size = (lfs?.size ?? size).flatMap { UInt64(exactly: $0) }
        return HubListedFile(path: path, sizeBytes: size, sha256: SHA256Text.checked(lfs?.oid))
    }
}

/// An element of a list, or nothing where it is not what is expected: one odd entry does not spoil a list.
struct Lenient<Element: Decodable & Sendable>: Decodable, Sendable {
    let element: Element?

    init(from decoder: any Decoder) throws {
        element = try? Element(from: decoder)
    }
}

/// A SHA-256 in hexadecimal digits.
enum SHA256Text {
    /// The text in lower case; nil for anything but 64 hexadecimal digits. The hub writes `sha256:` before some.
    static func checked(_ text: String?) -> String? {
        guard var text = text?.lowercased() else { return nil }
        if text.hasPrefix("sha256:") { text.removeFirst(7) }
        let isHexadecimal = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        return text.utf8.count == 64 && isHexadecimal ? text : nil
    }
}
