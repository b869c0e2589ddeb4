internal import FoundationEssentials
package import Store

extension LoRALibrary {
    /// How many files are purged in one step.
    private static let purgedAtOnce = 16

    /// Moves a file to the bin.
    /// - Throws: `AdapterError` of code `notFound`.
    package func delete(_ path: LoRAPath, note: ChangeNote<DeletedLoRA> = .none) throws -> DeletedLoRA {
        guard let stamp = try library.stamp(path) else { throw Self.missing(path) }
        let known = try table.row(.library, path).flatMap { $0.stamp == stamp ? $0 : nil }
        let deleted = Date(timeIntervalSince1970: now())
        return try move(library.fullPath(path), to: bin, path, versioned: true) { place, placeStamp, database in
            try library.synchronize(path.type)
            let row = LoRATable.Row(
                sha256: known?.sha256 ?? "", stamp: placeStamp,
                added: known?.added ?? Date(timeIntervalSince1970: Double(stamp.modifiedNanoseconds) / 1e9),
                original: path.description, deleted: deleted)
            try LoRATable.delete(.library, path, database)
            try LoRATable.insert(row, .bin, place, database)
            let file = deletedFile(place, placeStamp, row)
            try note.write(file, database)
            return file
        }
    }

    /// Moves a file from the bin to where it was.
    ///
    /// - Parameter path: its path in the bin.
    /// - Throws: `AdapterError` of code `notFound`; `nameTaken` where its name has been taken since and `versioned` is false.
    package func restore(
        _ path: LoRAPath, versioned: Bool = false, note: ChangeNote<LoRAFile> = .none
    ) throws -> LoRAFile {
        guard let deleted = try deletedFile(path), let stamp = try bin.stamp(path) else { throw Self.missing(path) }
        let known = try table.row(.bin, path).flatMap { $0.stamp == stamp ? $0 : nil }
        let restored = try move(
            bin.fullPath(path), to: library, deleted.original, versioned: versioned
        ) { place, placeStamp, database in
            try bin.synchronize(path.type)
            try LoRATable.delete(.bin, path, database)
            let row = known.map { LoRATable.Row(sha256: $0.sha256, stamp: placeStamp, added: $0.added) }
            if let row { try LoRATable.insert(row, .library, place, database) }
            let file = file(place, placeStamp, row)
            try note.write(file, database)
            return file
        }
        if known != nil, restored.sha256 == nil { withoutHash.continuation.yield(restored.path) }
        return restored
    }

    /// Removes a file from the bin for good.
    /// - Throws: `AdapterError` of code `notFound`.
    package func purge(_ path: LoRAPath, note: ChangeNote<LoRAPath> = .none) throws {
        guard try purge([path], note) == 1 else { throw Self.missing(path) }
    }

    /// Empties the bin of what is in it now, a few files at a time: between them others have their turn.
    ///
    /// - Parameter note: written for each file.
    /// - Returns: how many files there were.
    /// - Throws: `AdapterError`, `StoreError`; what was purged before stays so.
    package nonisolated func purgeAll(note: ChangeNote<LoRAPath> = .none) async throws -> Int {
        var rest = try await binPaths()[...]
        var count = 0
        while !rest.isEmpty {
            count += try await purge(Array(rest.prefix(Self.purgedAtOnce)), note)
            rest = rest.dropFirst(Self.purgedAtOnce)
        }
        return count
    }

    private func binPaths() throws -> [LoRAPath] { try bin.paths() }
}
