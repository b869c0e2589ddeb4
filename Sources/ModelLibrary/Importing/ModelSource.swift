import BLAKE3
import Bytes
import GGUF
import Identifiers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The GGUF files of one model, somewhere on disk, opened and checked.
struct ModelSource: Sendable {
    /// Where the files really are, links followed, in part order.
    let paths: [String]
    /// The names that they were asked for by, in part order.
    let names: [String]
    let files: [StorageFile]
    let model: GGUFModel
    /// What the files were when they were opened.
    let stamps: [StorageFile.Stamp]

    /// Opens the model that the file at `path` is, or is a part of.
    ///
    /// - Throws: `LibraryError` of code `fileNotFound`, `notPermitted` or `notAModel`.
    init(path: String) throws {
        try self.init(paths: PartName.siblings(of: path))
    }

    /// Opens the model of these files, in part order.
    init(paths given: [String]) throws {
        var files: [StorageFile] = []
        for path in given {
            let file: StorageFile
            do {
                file = try StorageFile(path: path, mode: .read)
            } catch let error as LibraryError where error.code == .fileNotFound && given.count > 1 {
                throw LibraryError(
                    .fileNotFound, "\(path) does not exist; put all \(given.count) parts of the model into one folder",
                    cause: error
                )
            } catch let error as LibraryError where error.code == .notPermitted {
                throw LibraryError(
                    .notPermitted, "\(path) may not be read; give this user the right to it", cause: error)
            }
            guard try file.isRegular() else {
                throw LibraryError(.notAModel, "\(path) is no file; name a GGUF file")
            }
            files.append(file)
        }
        do {
            model = try GGUFModel(parts: given)
        } catch let error as GGUFError {
            throw LibraryError(
                .notAModel,
                "\(error.path ?? given[0]) is no GGUF model that can be imported: \(error.message)"
                    + (error.byteOffset.map { " (at byte \($0))" } ?? ""), cause: error
            )
        }
        self.files = files
        stamps = try files.map { try $0.stamp() }
        names = given.map { String($0.split(separator: "/").last ?? "") }
        paths = given.map { path in
            guard let resolved = realpath(path, nil) else { return path }
            defer { free(resolved) }
            return String(cString: resolved)
        }
    }

    /// The id that the model's file name gives.
    var defaultID: ModelID? { ModelID(fileName: names[0]) }

    /// Bytes that ``manifest(id:shardSizeBytes:progress:)`` reads.
    var hashedBytes: UInt64 { model.totalBytes }

    /// Reads all bytes of the model and describes them.
    ///
    /// - Parameter progress: called with the bytes read since the last call.
    /// - Throws: `LibraryError`: a file cannot be read, or changed meanwhile; `CancellationError`.
    func manifest(
        id: ModelID, shardSizeBytes: UInt64, progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> ModelManifest {
        let layout = ShardLayout(model: model, shardSizeBytes: shardSizeBytes).shards
        var parts: [ModelManifest.Part] = []
        for (number, part) in model.parts.enumerated() {
            let header = ByteRange(part: number, offset: 0, length: part.headerBytes)
            let hash = try await RangeTransfer.hash([header], in: files, progress: { _ in })
            parts.append(
                ModelManifest.Part(
                    name: Self.storedName(names[number], part: number, of: names.count, id: id),
                    sizeBytes: part.source.byteCount,
                    headerBytes: part.headerBytes, headerHash: hash
                )
            )
        }
        var hashes = ModelHashes(shards: layout.map(\.ranges))
        for number in parts.indices {
            parts[number].sha256 = try await hashes.read(part: number, of: files, progress: progress)
        }
        let shards = zip(layout, hashes.finish()).map { shard, hash in
            ModelManifest.Shard(
                index: ShardIndex(checked: shard.index), layers: shard.layers, ranges: shard.ranges, hash: hash
            )
        }
        try checkUnchanged()
        return ModelManifest(
            id: id, name: model.name ?? id.rawValue, architecture: model.architecture, layerCount: model.layerCount,
            fileType: model.fileTypeName, parameterCount: model.parameterCount, contextLength: model.contextLength,
            shardSizeBytes: shardSizeBytes, parts: parts, shards: shards
        )
    }

    /// Throws `sourceChanged` if somebody has written to the files since they were opened.
    func checkUnchanged() throws {
        for (file, stamp) in zip(files, stamps) where try file.stamp() != stamp {
            throw LibraryError(
                .sourceChanged, "\(file.path) was changed while it was read; try again when nobody writes to it"
            )
        }
    }

    /// The name that a part gets in the library: its own, unless that would not do.
    static func storedName(_ name: String, part: Int, of count: Int, id: ModelID) -> String {
        if ModelManifest.isPlainFileName(name) { return name }
        return count == 1 ? "\(id).gguf" : PartName.path(prefix: id.rawValue, part: part, count: count)
    }
}
