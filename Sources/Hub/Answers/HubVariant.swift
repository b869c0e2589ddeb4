/// One GGUF model among a repository's files: a quantization, in one file or in parts.
package struct HubVariant: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// A language model.
        case model
        /// What turns pictures or sound into embeddings for a model: `mmproj-….gguf`.
        case projector
    }

    package let kind: Kind
    /// The path without `.gguf`, and without the part's numbers.
    package let name: String
    /// `Q4_K_M` and the like, from the file's name or its folder.
    package let quantization: String?
    /// The files that are there, in the order of the parts.
    package let files: [HubListedFile]
    /// Numbers of the parts that are not there, counted from 1.
    package let missingParts: [Int]

    /// Whether every part is there.
    package var isComplete: Bool { missingParts.isEmpty }

    /// Bytes of all files; nil where one's size is not known.
    package var sizeBytes: UInt64? {
        var total: UInt64 = 0
        for file in files {
            guard let size = file.sizeBytes else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(size)
            guard !overflow else { return nil }
            total = sum
        }
        return total
    }

    /// Most parts that a model may have; names that claim more are taken as they are.
    package static let maximumParts = 1024

    /// The GGUF models among `files`, in the order of their names; parts joined, projectors told apart.
    package static func group(_ files: [HubListedFile]) -> [HubVariant] {
        struct Key: Hashable {
            let stem: String
            let count: Int
        }
        var parts: [Key: [Int: HubListedFile]] = [:]
        for file in files where file.path.isGGUF {
            let part = PartNumber(file.path)
            let key = Key(stem: part?.stem ?? String(file.path.text.dropLast(5)), count: part?.count ?? 1)
            parts[key, default: [:]][part?.number ?? 1] = file
        }
        let variants = parts.map { key, found in
            let ordered = found.sorted { $0.key < $1.key }
            let stem = key.stem.split(separator: "/").last ?? ""
            return HubVariant(
                kind: isProjector(stem) ? .projector : .model, name: key.stem,
                quantization: ordered.first.flatMap { Quantization.name(of: $0.value.path) },
                files: ordered.map(\.value), missingParts: (1...key.count).filter { found[$0] == nil })
        }
        return variants.sorted { ($0.name, $0.files.count) < ($1.name, $1.files.count) }
    }

    private static func isProjector(_ stem: Substring) -> Bool {
        stem.lowercased().split(whereSeparator: { "-._ ".contains($0) }).contains("mmproj")
    }
}

/// The number of a file of a model in parts: `name-00002-of-00003.gguf` (llama.cpp's `llama_split_path`).
struct PartNumber: Equatable {
    let stem: String
    /// Counted from 1.
    let number: Int
    let count: Int

    /// Nil for files that are no part, or whose numbers contradict each other.
    init?(_ path: HubFilePath) {
        guard let match = path.text.wholeMatch(of: #/(.*[^/])-([0-9]{5})-of-([0-9]{5})\.gguf/#.ignoresCase()),
            let number = Int(match.output.2), let count = Int(match.output.3), number >= 1, number <= count,
            count <= HubVariant.maximumParts
        else { return nil }
        stem = String(match.output.1)
        self.number = number
        self.count = count
    }
}
