import BLAKE3
import Bytes
import GGUF
package import Identifiers

extension ModelLibrary {
    /// Takes in a model of which only the description and the headers are known, so far: its files are sparse and every
    /// shard is missing. With that a node can tokenize for the model and list it.
    ///
    /// - Parameters:
    ///   - manifest: what another node says of the model.
    ///   - headers: the bytes before tensor data, of each part.
    /// - Throws: `LibraryError`: `damaged` where headers and manifest do not fit, `idTaken` where the library has another
    ///   model of that id.
    package func adoptHeader(_ manifest: ModelManifest, parts headers: [[UInt8]]) async throws {
        let id = manifest.id
        try Self.check(headers, against: manifest)
        let lock = try await folder.lock(id)
        defer { withExtendedLifetime(lock) {} }
        try load()
        if let existing = try? model(id) {
            guard existing.manifestHash == manifest.hash else {
                throw LibraryError(
                    .idTaken,
                    "another model is in the library as \(id): remove that one (“shoal rm \(id)”), or fetch this one under another id "
                        + "with --model-id (model_id)")
            }
            return
        }
        let incoming = try folder.makeIncoming(id)
        do {
            for (part, header) in zip(manifest.parts, headers) {
                let file = try StorageFile(path: "\(incoming)/\(part.name)", mode: .create)
                try file.resize(to: part.sizeBytes)
                try header.withUnsafeBytes { try file.write($0, at: 0) }
                try file.synchronize()
            }
            try folder.write(manifest, in: incoming)
            try folder.publish(incoming, as: id)
        } catch {
            folder.discard(incoming)
            throw error
        }
        try record(manifest, held: [])
    }

    /// The bytes before tensor data of each part, for ``adoptHeader(_:parts:)`` on another node.
    package func headers(id: ModelID) throws -> [[UInt8]] {
        let manifest = try model(id).manifest
        let files = try manifest.openFiles(in: folder.modelFolder(id), mode: .read)
        return try zip(files, manifest.parts).map { file, part in
            var bytes = [UInt8](repeating: 0, count: Int(part.headerBytes))
            let got = try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
            guard got == bytes.count, BLAKE3.hash(bytes) == part.headerHash else {
                throw LibraryError(.damaged, "the header of \(file.path) is damaged; import the model again")
            }
            return bytes
        }
    }

    /// Throws unless the headers are those that the manifest speaks of.
    private static func check(_ headers: [[UInt8]], against manifest: ModelManifest) throws {
        func fault(_ what: String, cause: (any Error)? = nil) -> LibraryError {
            LibraryError(.damaged, "the description of \(manifest.id) cannot be used: \(what)", cause: cause)
        }
        guard ModelManifest.shardSizes.contains(manifest.shardSizeBytes) else {
            throw fault("shards of \(manifest.shardSizeBytes) bytes")
        }
        guard headers.count == manifest.parts.count else {
            throw fault("\(headers.count) headers for \(manifest.parts.count) parts")
        }
        for (header, part) in zip(headers, manifest.parts) {
            guard UInt64(header.count) == part.headerBytes, BLAKE3.hash(header) == part.headerHash else {
                throw fault("the header of \(part.name) does not have the hash that it should have")
            }
        }
        let sources: [(name: String, source: any ByteSource)] = zip(headers, manifest.parts).map { header, part in
            (name: part.name, source: MemorySource(header, byteCount: part.sizeBytes))
        }
        let model: GGUFModel
        do {
            model = try GGUFModel(sources: sources)
        } catch {
            throw fault("\(error)", cause: error)
        }
        guard model.architecture == manifest.architecture, model.layerCount == manifest.layerCount else {
            throw fault("header and manifest tell of different models")
        }
        // The cut follows from the header and the shard size: one of a sender's own choosing fits nobody else's.
        let layout = ShardLayout(model: model, shardSizeBytes: manifest.shardSizeBytes).shards
        let isSameCut =
            layout.count == manifest.shards.count
            && zip(layout, manifest.shards).allSatisfy { own, told in
                told.index.rawValue == own.index && told.layers == own.layers && told.ranges == own.ranges
            }
        guard isSameCut else { throw fault("it is not cut as its header and shard size say") }
    }
}
