internal import Bytes
internal import Crypto
internal import FoundationEssentials
internal import Pickle
internal import Safetensors
package import Store

/// The LoRA files on this node's disk, and the bin of those that were deleted.
///
///     models/loras/<type>/<name>        the files
///     models/loras/.incoming/<random>   uploads that are not complete
///     bin/models/loras/<type>/<name>    what was deleted
///
/// A file becomes visible whole and checked or not at all, never in the place of another, and is moved, not removed, until the bin
/// is purged. Names are taken and left one after the other; bytes come in and are checked at the same time as others.
///
/// What is written down about a file and the file's name change together: see `LoRALibrary+Moving.swift`.
package actor LoRALibrary {
    /// Largest file that is taken in.
    package static let maximumFileBytes: UInt64 = 500 << 20
    /// How long the sizes of files are not added up again.
    private static let countingInterval = Duration.seconds(5)

    /// What the actor does waits for the disk.
    private nonisolated let queue = DiskQueue(label: "loras")
    let library: LoRAFolder
    let bin: LoRAFolder
    let table: LoRATable
    private let incoming: String
    let space: LoRASpace
    /// When the sizes of all files were added up last.
    private var counted: ContinuousClock.Instant?
    /// Files whose hash is not known, as they come.
    let withoutHash = AsyncStream.makeStream(of: LoRAPath.self)
    private let maximumFileBytes: UInt64
    /// When files come and go.
    let now: @Sendable () -> Double

    /// What was found when the library was opened.
    package nonisolated let recovery: LoRARecovery

    /// Opens the folders, or makes them, and sets right what a process that was killed left behind.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Throws: `AdapterError`, `StoreError`.
    package init(
        dataDirectory: String, store: Store, maximumFileBytes: UInt64 = LoRALibrary.maximumFileBytes,
        space limits: LoRASpaceLimits = LoRASpaceLimits(),
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        try self.init(
            dataDirectory: dataDirectory, store: store, maximumFileBytes: maximumFileBytes, space: limits,
            move: FileMove(), freeBytes: LoRASpace.freeBytes(in:), now: now)
    }

    /// - Parameter freeBytes: what is free of the disk that a folder is on.
    init(
        dataDirectory: String, store: Store, maximumFileBytes: UInt64, space limits: LoRASpaceLimits, move: FileMove,
        freeBytes: @escaping @Sendable (_ folder: String) throws -> UInt64, now: @escaping @Sendable () -> Double
    ) throws {
        library = try LoRAFolder(root: dataDirectory + "/models/loras", move: move)
        bin = try LoRAFolder(root: dataDirectory + "/bin/models/loras", move: move)
        incoming = library.root + "/.incoming"
        try LoRAFolder.make(incoming)
        try LoRAFolder.removeLeftovers(in: incoming)
        table = try LoRATable(store: store)
        recovery = try LoRARecovery(library: library, bin: bin, table: table)
        space = LoRASpace(stored: try library.sizeBytes() + bin.sizeBytes(), limits: limits) { [incoming] in
            try freeBytes(incoming)
        }
        self.maximumFileBytes = maximumFileBytes
        self.now = now
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    // MARK: Coming in

    /// Takes room for an upload.
    ///
    /// - Parameter bytes: how many will come, where that is known; otherwise room is taken as they come.
    /// - Throws: `AdapterError` of code `diskFull`.
    package func room(for bytes: UInt64 = 0) throws -> LoRARoom {
        do {
            return try LoRARoom(bytes, of: space)
        } catch let error as AdapterError where error.code == .diskFull {
            // Files may have been removed by hand; whoever asks again and again is not to keep the disk busy.
            if let counted, counted.duration(to: .now) < Self.countingInterval { throw error }
            counted = .now
            space.count(stored: try library.sizeBytes() + bin.sizeBytes())
            return try LoRARoom(bytes, of: space)
        }
    }

    /// Begins an upload: append its bytes, then call `finish`.
    package nonisolated func beginUpload(in room: LoRARoom) throws -> LoRAUpload {
        try LoRAUpload(path: "\(incoming)/\(UUID().uuidString)", maximumBytes: maximumFileBytes, room: room)
    }

    /// Makes a complete upload a file of the library, if its content is what its name says.
    ///
    /// - Parameters:
    ///   - versioned: whether a taken name becomes `name_v2.ext`, `name_v3.ext` and so on.
    ///   - note: what else to write down.
    /// - Throws: `AdapterError` of code `badContent` where the content is refused, `nameTaken`, or of the file system. The upload
    ///   has ended in any case.
    package nonisolated func finish(
        _ upload: LoRAUpload, as name: LoRAFileName, type: LoRAType, versioned: Bool = true,
        note: ChangeNote<StoredLoRA> = .none
    ) async throws -> StoredLoRA {
        defer { upload.cancel() }
        let sizeBytes = try await FileCheck.run { check in
            let sizeBytes = try upload.complete()
            try Self.check(upload.path, format: name.format, check)
            return sizeBytes
        }
        return try await publish(
            upload, LoRAPath(type: type, name: name), sizeBytes: sizeBytes, versioned: versioned, note)
    }

    /// Reads the whole of what the format has to say about itself.
    private static func check(_ path: String, format: LoRAFileName.Format, _ check: FileCheck) throws {
        do {
            let source = check.source(try FileSource(path: path))
            switch format {
            case .safetensors:
                _ = try SafetensorsHeader(reading: source)
                try SecondFormat.refuse(inSafetensors: source)
            case .checkpoint: _ = try TorchCheckpoint(reading: source)
            }
        } catch let error as SafetensorsError {
            throw AdapterError(.badContent, "the file is no valid safetensors file: \(error)", cause: error)
        } catch let error as PickleError {
            throw AdapterError(
                .badContent,
                format == .safetensors
                    ? "\(error)" : "the file is no checkpoint of plain tensors: \(error)", cause: error)
        } catch let error as AdapterError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw AdapterError(.fileSystem, "the upload cannot be read again: \(error)", cause: error)
        }
    }

    private func publish(
        _ upload: LoRAUpload, _ wanted: LoRAPath, sizeBytes: UInt64, versioned: Bool, _ note: ChangeNote<StoredLoRA>
    ) throws -> StoredLoRA {
        let twin = try twin(of: upload, sizeBytes: sizeBytes)
        let added = Date(timeIntervalSince1970: now())
        let stored = try move(upload.path, to: library, wanted, versioned: versioned) { path, stamp, database in
            let row = LoRATable.Row(sha256: twin.sha256 ?? "", stamp: stamp, added: added)
            try LoRATable.insert(row, .library, path, database)
            let stored = StoredLoRA(file: file(path, stamp, row), sameAs: twin.path)
            try note.write(stored, database)
            return stored
        }
        space.add(sizeBytes)
        if stored.file.sha256 == nil { withoutHash.continuation.yield(stored.file.path) }
        return stored
    }

    // MARK: Hashes

    /// The first file of the library with an upload's bytes, and the hash that tells.
    ///
    /// Files of one size are compared by their hashes. What has a size of its own needs none for that, and whoever waits for the
    /// end of the upload does not wait for one: see `keepHashes`.
    private func twin(of upload: LoRAUpload, sizeBytes: UInt64) throws -> (sha256: String?, path: LoRAPath?) {
        let candidates = try table.paths(ofSize: sizeBytes).filter { try library.stamp($0.path) == $0.row.stamp }
        guard !candidates.isEmpty else { return (nil, nil) }
        let hash = try sha256(ofFile: upload.path)
        let twin = try candidates.first { path, row in
            guard row.sha256.isEmpty else { return row.sha256 == hash }
            var row = row
            row.sha256 = try sha256(ofFile: library.fullPath(path))
            try table.record(row, .library, path)
            return row.sha256 == hash
        }
        return (hash, twin?.path)
    }

    /// Takes the hashes of files that came in without, one after the other, until the task is cancelled.
    ///
    /// - Parameter onFault: told what keeps a file from being hashed.
    package func keepHashes(onFault: @Sendable (_ path: LoRAPath?, _ error: any Error) -> Void) async {
        do {
            for path in try table.pathsWithoutHash() { withoutHash.continuation.yield(path) }
        } catch { onFault(nil, error) }
        for await path in withoutHash.stream {
            do {
                try await takeHash(of: path)
            } catch is CancellationError {
                return
            } catch { onFault(path, error) }
        }
    }

    private func takeHash(of path: LoRAPath) async throws {
        guard let row = try table.row(.library, path), row.sha256.isEmpty, try library.stamp(path) == row.stamp else {
            return
        }
        let hash = try await FileCheck.run { [library] _ in
            // Deleted since it was looked at.
            try library.stamp(path).map { _ in try sha256(ofFile: library.fullPath(path)) }
        }
        guard let hash, var row = try table.row(.library, path), try library.stamp(path) == row.stamp else { return }
        row.sha256 = hash
        try table.record(row, .library, path)
    }

    // MARK: Lists

    /// The file at `path`; nil where there is none.
    package func file(_ path: LoRAPath) throws -> LoRAFile? {
        guard let stamp = try library.stamp(path) else { return nil }
        return file(path, stamp, try table.row(.library, path))
    }

    /// Files of one type, or all, after a path.
    package func files(
        of type: LoRAType? = nil, after: LoRAPath? = nil, limit: Int = 100
    ) throws -> LoRAPage<LoRAFile> {
        try page(try library.paths(of: type), after: after, limit: limit) { try file($0) }
    }

    /// What is in the bin.
    package func deletedFiles(
        of type: LoRAType? = nil, after: LoRAPath? = nil, limit: Int = 100
    ) throws -> LoRAPage<DeletedLoRA> {
        try page(try bin.paths(of: type), after: after, limit: limit) { try deletedFile($0) }
    }

    private func page<Element>(
        _ paths: [LoRAPath], after: LoRAPath?, limit: Int, _ element: (LoRAPath) throws -> Element?
    ) throws -> LoRAPage<Element> {
        var elements: [Element] = []
        var last: LoRAPath?
        for path in paths where after.map({ $0 < path }) ?? true {
            guard elements.count < max(limit, 1) else { return LoRAPage(elements: elements, next: last) }
            guard let found = try element(path) else { continue }
            elements.append(found)
            last = path
        }
        return LoRAPage(elements: elements, next: nil)
    }

    func file(_ path: LoRAPath, _ stamp: LoRAFolder.Stamp, _ row: LoRATable.Row?) -> LoRAFile {
        let row = row?.stamp == stamp ? row : nil
        return LoRAFile(
            path: path, fullPath: library.fullPath(path), sizeBytes: stamp.sizeBytes,
            added: row?.added ?? Date(timeIntervalSince1970: Double(stamp.modifiedNanoseconds) / 1e9),
            sha256: row.flatMap { $0.sha256.isEmpty ? nil : $0.sha256 })
    }

    func deletedFile(_ path: LoRAPath) throws -> DeletedLoRA? {
        guard let stamp = try bin.stamp(path) else { return nil }
        return deletedFile(path, stamp, try table.row(.bin, path))
    }

    func deletedFile(_ path: LoRAPath, _ stamp: LoRAFolder.Stamp, _ row: LoRATable.Row?) -> DeletedLoRA {
        let row = row?.stamp == stamp ? row : nil
        let original = row?.original.flatMap { try? LoRAPath(partialPath: $0) } ?? path
        return DeletedLoRA(
            path: path, fullPath: bin.fullPath(path), original: original,
            originalFullPath: library.fullPath(original), sizeBytes: stamp.sizeBytes,
            deleted: row?.deleted, sha256: row.flatMap { $0.sha256.isEmpty ? nil : $0.sha256 })
    }

    static func missing(_ path: LoRAPath) -> AdapterError {
        AdapterError(.notFound, "there is no file \(path)")
    }
}
