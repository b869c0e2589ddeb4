import BLAKE3
package import GGUF
import Identifiers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What an import did.
package struct ImportOutcome: Sendable, Hashable {
    /// How the bytes came into the library; of several parts, the most expensive way.
    package enum Placement: Int, Sendable, Hashable, Comparable {
        /// They were there.
        case alreadyThere
        /// The library's file *is* the source, under a second name: nothing was copied, and whoever writes to the source
        /// writes to the library, which notices and verifies the model again.
        case hardLinked
        /// The disk shares the bytes until one of the two files is written to.
        case cloned
        case copied

        package static func < (left: Placement, right: Placement) -> Bool { left.rawValue < right.rawValue }
    }

    package var model: LibraryModel
    package var placement: Placement
    /// Bytes written for tensors and headers.
    package var copiedBytes: UInt64
}

/// Brings shards of a model from files on this machine into the library. The caller holds the model's lock.
struct ModelImport: Sendable {
    let folder: LibraryFolder
    let source: ModelSource
    let progress: @Sendable (ImportProgress) -> Void

    /// Puts a model that the library does not have together, and makes it visible at once.
    ///
    /// - Throws: `LibraryError`; `CancellationError`. Nothing stays behind then.
    func place(_ manifest: ModelManifest, wanted: Set<ShardIndex>) async throws -> (ImportOutcome.Placement, UInt64) {
        let incoming = try folder.makeIncoming(manifest.id)
        do {
            let result = try await fill(incoming, manifest: manifest, wanted: wanted)
            try folder.write(manifest, in: incoming)
            try folder.publish(incoming, as: manifest.id)
            return result
        } catch {
            folder.discard(incoming)
            throw error
        }
    }

    private func fill(
        _ incoming: String, manifest: ModelManifest, wanted: Set<ShardIndex>
    ) async throws -> (ImportOutcome.Placement, UInt64) {
        let wantedRanges = ByteRange.joined(
            manifest.headerRanges + wanted.compactMap { manifest[shard: $0] }.flatMap(\.ranges))
        var placement = ImportOutcome.Placement.hardLinked
        var copies: [(part: Int, file: StorageFile, ranges: [Range<UInt64>])] = []
        for (number, part) in manifest.parts.enumerated() {
            let path = "\(incoming)/\(part.name)"
            let ranges = wantedRanges.filter { $0.part == number }.map { $0.offset..<$0.end }
            let isWhole = ranges == [0..<part.sizeBytes]
            if isWhole, link(source.paths[number], path) == 0 {
                let linked = try StorageFile(path: path, mode: .read)
                guard try linked.stamp() == source.stamps[number] else { try sourceChanged(number) }
                try linked.synchronize()
                continue
            }
            let file = try StorageFile(path: path, mode: .create)
            if file.clone(of: source.files[number]) {
                placement = max(placement, .cloned)
                for hole in Self.gaps(in: ranges, size: part.sizeBytes) {
                    try file.punchHole(at: hole.lowerBound, length: UInt64(hole.count))
                }
                try file.synchronize()
            } else {
                placement = .copied
                try file.resize(to: part.sizeBytes)
                copies.append((number, file, ranges))
            }
        }
        let copied = try await copy(copies)
        if placement > .hardLinked {
            try await verify(manifest, shards: wanted, in: incoming)
        }
        return (placement, copied)
    }

    /// Adds shards to a model that the library has without them.
    ///
    /// - Parameter held: the shards that are there; all bytes but theirs are as good as holes.
    /// - Throws: `LibraryError`; `CancellationError`. Shards that were held still are then.
    func add(
        _ missing: Set<ShardIndex>, to manifest: ModelManifest, held: Set<ShardIndex>
    ) async throws -> (ImportOutcome.Placement, UInt64) {
        let files = try manifest.openFiles(in: folder.modelFolder(manifest.id), mode: .read)
        let absent = missing.sorted().compactMap { manifest[shard: $0] }
        let kept = manifest.headerRanges + held.compactMap { manifest[shard: $0] }.flatMap(\.ranges)
        let wanted = ByteRange.subtract(kept, from: absent.flatMap(\.ranges))
        for part in Set(wanted.map(\.part)) where try files[part].linkCount() > 1 {
            try await folder.makePrivate(part: part, of: manifest, keeping: kept)
        }
        let targets = try manifest.openFiles(in: folder.modelFolder(manifest.id), mode: .write)
        let copied = try await copy(
            manifest.parts.indices.map { part in
                (part, targets[part], wanted.filter { $0.part == part }.map { $0.offset..<$0.end })
            }
        )
        try await verify(manifest, shards: Set(absent.map(\.index)), in: folder.modelFolder(manifest.id))
        return (.copied, copied)
    }

    /// Copies ranges of the source's parts, after making sure that there is room, and waits until they are on the disk.
    private func copy(
        _ copies: [(part: Int, file: StorageFile, ranges: [Range<UInt64>])]
    ) async throws -> UInt64 {
        let total = copies.flatMap(\.ranges).reduce(0) { $0 + UInt64($1.count) }
        let data = copies.reduce(UInt64(0)) { sum, copy in
            copy.ranges.flatMap { source.files[copy.part].dataRanges(in: $0) }.reduce(sum) { $0 + UInt64($1.count) }
        }
        let free = try folder.freeBytes()
        guard data <= free else {
            throw LibraryError(
                .diskFull,
                "the import needs \(data) bytes and the disk of \(folder.path) has \(free) left; "
                    + "free some space, or import fewer shards"
            )
        }
        let meter = ProgressMeter(phase: .copying, totalBytes: total, report: progress)
        var copied: UInt64 = 0
        for copy in copies where !copy.ranges.isEmpty {
            copied += try await RangeTransfer.copy(
                copy.ranges, from: source.files[copy.part], to: copy.file, progress: meter.advance
            )
            try copy.file.synchronize()
        }
        return copied
    }

    /// Reads back what was stored.
    private func verify(_ manifest: ModelManifest, shards: Set<ShardIndex>, in path: String) async throws {
        let chosen = shards.sorted().compactMap { manifest[shard: $0] }
        let files = try manifest.openFiles(in: path, mode: .read)
        let total = chosen.reduce(UInt64(0)) { $0 + $1.sizeBytes }
        let meter = ProgressMeter(phase: .verifying, totalBytes: total, report: progress)
        for shard in chosen {
            let hash = try await RangeTransfer.hash(shard.ranges, in: files, progress: meter.advance)
            guard hash == shard.hash else {
                try source.checkUnchanged()
                throw LibraryError(
                    .damaged,
                    "shard \(shard.index) of \(manifest.id) reads back otherwise than it was written; "
                        + "check the disk of \(path)"
                )
            }
        }
    }

    private func sourceChanged(_ part: Int) throws -> Never {
        throw LibraryError(
            .sourceChanged,
            "\(source.paths[part]) was replaced while it was imported; try again when nobody writes to it"
        )
    }

    /// What `ranges`, which are in order and apart, leave out of a file.
    private static func gaps(in ranges: [Range<UInt64>], size: UInt64) -> [Range<UInt64>] {
        var gaps: [Range<UInt64>] = []
        var position: UInt64 = 0
        for range in ranges {
            if range.lowerBound > position { gaps.append(position..<range.lowerBound) }
            position = range.upperBound
        }
        if position < size { gaps.append(position..<size) }
        return gaps
    }
}

extension ModelManifest {
    /// The bytes that are there whatever shards are held.
    package var headerRanges: [ByteRange] {
        parts.enumerated().filter { $1.headerBytes > 0 }
            .map { ByteRange(part: $0, offset: 0, length: $1.headerBytes) }
    }

    /// Opens the model's files in `folder`, in part order.
    func openFiles(in folder: String, mode: StorageFile.Mode) throws -> [StorageFile] {
        try parts.map { try StorageFile(path: "\(folder)/\($0.name)", mode: mode) }
    }
}

extension LibraryFolder {
    /// Gives the library a file of its own in place of one that it shares with others through a hard link.
    ///
    /// - Parameter kept: the bytes to take over; the rest becomes holes.
    func makePrivate(part: Int, of manifest: ModelManifest, keeping kept: [ByteRange]) async throws {
        let name = manifest.parts[part].name
        let shared = try StorageFile(path: "\(modelFolder(manifest.id))/\(name)", mode: .read)
        let incoming = try makeIncoming(manifest.id)
        defer { discard(incoming) }
        let file = try StorageFile(path: "\(incoming)/\(name)", mode: .create)
        try file.resize(to: manifest.parts[part].sizeBytes)
        let ranges = ByteRange.joined(kept).filter { $0.part == part }.map { $0.offset..<$0.end }
        _ = try await RangeTransfer.copy(ranges, from: shared, to: file, progress: { _ in })
        try file.synchronize()
        try replace(name, of: manifest.id, by: "\(incoming)/\(name)")
    }
}
