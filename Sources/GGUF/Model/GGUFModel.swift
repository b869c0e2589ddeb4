package import Bytes
package import Identifiers

/// One model: its single file, or the parts it was split into, opened together.
///
/// Only headers are read. The metadata is the first part's; the tensors are those of all parts.
package struct GGUFModel: Sendable {
    /// One file of the model.
    package struct Part: Sendable {
        /// Path, or another name where the bytes come from memory.
        package let name: String
        package let header: GGUFHeader
        package let source: any ByteSource

        /// Bytes before tensor data: what must be there for the model to be read at all.
        package var headerBytes: UInt64 { min(header.dataOffset, source.byteCount) }
    }

    /// A tensor and where its data is.
    package struct PlacedTensor: Sendable {
        package let tensor: GGUFTensor
        package let range: ByteRange
    }

    package let parts: [Part]
    /// All tensors in file order.
    package let tensors: [PlacedTensor]
    /// `general.architecture`, such as `llama`.
    package let architecture: String
    /// Transformer layers (`<architecture>.block_count`), at least 1.
    package let layerCount: Int

    private let index: [String: Int]

    /// Opens the files at `parts`, in part order.
    /// - Throws: `GGUFError`: a file cannot be read, is damaged, or does not belong with the others.
    package init(parts paths: [String]) throws {
        try self.init(sources: paths.map { path in (path, try GGUFError.naming { try FileSource(path: path) }) })
    }

    /// Opens the model that the file at `path` is or belongs to, finding the other parts by name.
    package init(path: String) throws {
        try self.init(parts: PartName.siblings(of: path))
    }

    /// Opens a model whose bytes come from anywhere.
    /// - Parameter sources: each part's name for messages, and its bytes, in part order.
    package init(sources: [(name: String, source: any ByteSource)]) throws {
        let parts = try sources.map { name, source in
            do {
                return Part(name: name, header: try GGUFHeader(reading: source), source: source)
            } catch let error as GGUFError {
                throw error.inFile(name)
            }
        }
        try self.init(parts: parts)
    }

    private init(parts: [Part]) throws {
        guard let first = parts.first else {
            throw GGUFError(.badParts, "a model has at least one part; name its file")
        }
        try Self.checkSplit(parts)
        // Sizes may come from another node's word; with this limit no sum of offsets overflows.
        guard parts.allSatisfy({ $0.source.byteCount <= Self.maximumBytes }), parts.count <= 1024,
            parts.reduce(0, { $0 + $1.source.byteCount }) <= Self.maximumBytes
        else {
            throw GGUFError(.badParts, "the parts claim more than a pebibyte together", path: first.name)
        }
        self.parts = parts

        var tensors: [PlacedTensor] = []
        var index: [String: Int] = [:]
        for (number, part) in parts.enumerated() {
            for tensor in part.header.tensors.sorted(by: { $0.offset < $1.offset }) {
                guard index.updateValue(tensors.count, forKey: tensor.name) == nil else {
                    throw GGUFError(
                        .duplicate, "the tensor \(tensor.name) is in two parts", field: tensor.name, path: part.name)
                }
                let range = ByteRange(
                    part: number, offset: part.header.dataOffset + tensor.offset, length: tensor.byteCount)
                tensors.append(PlacedTensor(tensor: tensor, range: range))
            }
        }
        self.tensors = tensors
        self.index = index

        if let kind = OtherContent(of: first.header) {
            throw GGUFError(.otherContent, kind.sentence, field: kind.key, path: first.name)
        }
        let architectureKey = "general.architecture"
        guard let architecture = first.header[architectureKey]?.string, !architecture.isEmpty else {
            throw GGUFError(
                .missingKey, "\(architectureKey) is missing; this is no language model", field: architectureKey,
                path: first.name)
        }
        let countKey = "\(architecture).block_count"
        guard let layerCount = first.header[countKey]?.integer, layerCount > 0, layerCount <= Self.maximumLayers else {
            throw GGUFError(
                .missingKey, "\(countKey) must be a number of layers from 1 to \(Self.maximumLayers)", field: countKey,
                path: first.name)
        }
        guard !tensors.isEmpty else {
            throw GGUFError(
                .otherContent, "it has a vocabulary and no weights; take the file of the model itself", path: first.name
            )
        }
        self.architecture = architecture
        self.layerCount = layerCount
    }

    /// Most layers that a model may have; libllama stops at 512 (`LLAMA_MAX_LAYERS`).
    package static let maximumLayers = 4096

    /// Most bytes that the files of a model may have together: a pebibyte.
    package static let maximumBytes: UInt64 = 1 << 50

    /// All layers.
    package var allLayers: LayerRange {
        // layerCount is at least 1, checked when the model was opened.
        LayerRange(first: 0, end: layerCount) ?? LayerRange.single
    }

    /// The first part's header, whose metadata describes the model.
    package var header: GGUFHeader { parts[0].header }

    /// The tensor of that name.
    package subscript(tensor name: String) -> PlacedTensor? { index[name].map { tensors[$0] } }

    /// The layer that a tensor belongs to; nil for tensors of no layer and for layers past the last.
    package func layer(of tensor: GGUFTensor) -> Int? {
        tensor.layer.flatMap { $0 < layerCount ? $0 : nil }
    }

    /// Bytes of all files.
    package var totalBytes: UInt64 { parts.reduce(0) { $0 + $1.source.byteCount } }

    /// Bytes of all tensors.
    package var tensorBytes: UInt64 { tensors.reduce(0) { $0 + $1.range.length } }

    private static func checkSplit(_ parts: [Part]) throws {
        for (number, part) in parts.enumerated() {
            let count = part.header["split.count"]?.integer ?? 0
            guard count == parts.count || (count <= 1 && parts.count == 1) else {
                throw GGUFError(
                    .badParts, "this file belongs to a model of \(max(count, 1)) parts, but \(parts.count) were given",
                    field: "split.count", path: part.name)
            }
            if parts.count > 1 {
                guard part.header["split.no"]?.integer == number else {
                    throw GGUFError(
                        .badParts, "this file is not part \(number + 1) of its model; give the parts in order",
                        field: "split.no", path: part.name)
                }
            }
        }
        guard parts.count > 1, let declared = parts[0].header["split.tensors.count"]?.integer else { return }
        let found = parts.reduce(0) { $0 + $1.header.tensors.count }
        guard found == declared else {
            throw GGUFError(
                .badParts, "the parts have \(found) tensors, the first part declares \(declared)",
                field: "split.tensors.count", path: parts[0].name)
        }
    }
}

/// The names of split files, `name-00001-of-00003.gguf` (`llama_split_path` in llama.h).
package enum PartName {
    /// Reads such a name.
    /// - Returns: what comes before the numbers, the part counted from 0, and the number of parts; nil for other names.
    package static func parse(_ path: String) -> (prefix: String, part: Int, count: Int)? {
        guard path.lowercased().hasSuffix(".gguf") else { return nil }
        let stem = path.dropLast(5)
        let tail = stem.suffix(15)
        let fields = tail.split(separator: "-", omittingEmptySubsequences: false)
        guard fields.count == 4, fields[0].isEmpty, fields[2] == "of", fields[1].utf8.count == 5,
            fields[3].utf8.count == 5, let part = Int(fields[1]), let count = Int(fields[3]), part >= 1, part <= count
        else { return nil }
        return (String(stem.dropLast(15)), part - 1, count)
    }

    /// The name of part `part`, counted from 0.
    package static func path(prefix: String, part: Int, count: Int) -> String {
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        return "\(prefix)-\(digits(part + 1))-of-\(digits(count)).gguf"
    }

    /// The paths of all parts of the model that `path` belongs to; `path` alone where it is no part.
    package static func siblings(of path: String) -> [String] {
        guard let (prefix, _, count) = parse(path) else { return [path] }
        // Their names end as this one does, as .GGUF too.
        return (0..<count).map {
            String(Self.path(prefix: prefix, part: $0, count: count).dropLast(5)) + path.suffix(5)
        }
    }
}
