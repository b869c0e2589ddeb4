internal import GRDB
import Store

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file gets its new name inside the transaction that writes it down, and the old one back where that cannot be committed. What a
/// crash leaves between the two, `LoRARecovery` sets right.
extension LoRALibrary {
    /// Gives the file at `source` a name in `folder`, and writes it down.
    ///
    /// - Parameter write: writes all that there is to say of the file by its new name.
    /// - Throws: what `write` throws; `AdapterError`, `StoreError`. The file is where it was then.
    func move<Value>(
        _ source: String, to folder: LoRAFolder, _ wanted: LoRAPath, versioned: Bool,
        _ write: (LoRAPath, LoRAFolder.Stamp, Database) throws -> Value
    ) throws -> Value {
        do {
            return try moveInOneStep(source, to: folder, wanted, versioned: versioned, write)
        } catch is FileMove.OtherFileSystem {
            // Copied before the transaction, which would hold up all others for as long.
            let copy = try folder.copy(source, for: wanted.type)
            defer { unlink(copy) }
            let value = try moveInOneStep(copy, to: folder, wanted, versioned: versioned, write)
            unlink(source)
            return value
        }
    }

    private func moveInOneStep<Value>(
        _ source: String, to folder: LoRAFolder, _ wanted: LoRAPath, versioned: Bool,
        _ write: (LoRAPath, LoRAFolder.Stamp, Database) throws -> Value
    ) throws -> Value {
        var taken: LoRAPath?
        do {
            return try table.write { database in
                let path = try folder.take(wanted, for: source, versioned: versioned)
                taken = path
                guard let stamp = try folder.stamp(path) else { throw Self.missing(path) }
                return try write(path, stamp, database)
            }
        } catch {
            if let taken { try Self.undo(folder.fullPath(taken), to: source, with: folder.move, after: error) }
            throw error
        }
    }

    /// Takes files of the bin out of it for good.
    ///
    /// - Parameter note: written for each of them.
    /// - Returns: how many of them there were.
    /// - Throws: what `note` throws; `AdapterError`, `StoreError`. All files are where they were then.
    func purge(_ paths: [LoRAPath], _ note: ChangeNote<LoRAPath>) throws -> Int {
        var asides: [(path: LoRAPath, aside: String)] = []
        var sizeBytes: UInt64 = 0
        do {
            try table.write { database in
                for path in paths {
                    guard let stamp = try bin.stamp(path) else { continue }
                    sizeBytes += stamp.sizeBytes
                    asides.append((path, try bin.setAside(path)))
                    try LoRATable.delete(.bin, path, database)
                    try note.write(path, database)
                }
                for type in Set(asides.map(\.path.type)) { try bin.synchronize(type) }
            }
        } catch {
            for (path, aside) in asides { try Self.undo(aside, to: bin.fullPath(path), with: bin.move, after: error) }
            throw error
        }
        // What stays here is removed when the library is opened again.
        for (_, aside) in asides { unlink(aside) }
        space.remove(sizeBytes)
        return asides.count
    }

    private static func undo(
        _ path: String, to old: String, with move: FileMove, after cause: any Error
    ) throws {
        do {
            guard try move(path, to: old) else { throw AdapterError(.nameTaken, "another file is there") }
        } catch {
            throw AdapterError(
                .fileSystem,
                "\(path) was to be \(old) again, because it could not be written down that it is not (\(cause)): \(error); "
                    + "start the node again to have it set right",
                cause: cause)
        }
    }
}
