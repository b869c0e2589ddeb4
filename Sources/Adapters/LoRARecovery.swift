internal import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What was set right when the library was opened.
///
/// A process that ends between giving a file another name and writing that down leaves a file where nothing is known of it, and a
/// row without a file. The same stamp tells that the two belong together: then the file goes back where it was, for whoever asked
/// for the change got no answer, and the audit log does not tell of it. No file is removed but those whose purging was written down,
/// and no row, for a disk that is not there today may be there tomorrow.
package struct LoRARecovery: Sendable {
    /// Files that are back where they were: their paths in the library or the bin.
    package private(set) var movedBack: [LoRAPath] = []
    /// Files of the library that nothing was known of: put there by hand, or by an upload that nobody heard the end of.
    package private(set) var found: [LoRAPath] = []

    private typealias Record = (path: LoRAPath, row: LoRATable.Row)

    private let library: LoRAFolder
    private let bin: LoRAFolder
    private let table: LoRATable
    /// Files that are where they are written down.
    private var known: [LoRATable.Place: Set<LoRAPath>] = [:]
    /// What is written down of files that are not there.
    private var lost: [LoRATable.Place: [LoRAFolder.Stamp: Record]] = [:]

    init(library: LoRAFolder, bin: LoRAFolder, table: LoRATable) throws {
        self.library = library
        self.bin = bin
        self.table = table
        try library.removeCopies()
        try bin.removeCopies()
        for (place, path, row) in try table.rows() {
            if try folder(place).stamp(path) == row.stamp {
                known[place, default: []].insert(path)
            } else {
                lost[place, default: [:]][row.stamp] = (path, row)
            }
        }
        for aside in try bin.asides() where try !moveBack(aside, to: .bin) { unlink(aside) }
        for path in try bin.paths() where known[.bin]?.contains(path) != true {
            _ = try moveBack(bin.fullPath(path), to: .library)
        }
        for path in try library.paths() where known[.library]?.contains(path) != true {
            guard try !moveBack(library.fullPath(path), to: .bin), let stamp = try library.stamp(path) else { continue }
            let added = Date(timeIntervalSince1970: Double(stamp.modifiedNanoseconds) / 1e9)
            try table.record(LoRATable.Row(sha256: "", stamp: stamp, added: added), .library, path)
            found.append(path)
        }
    }

    private func folder(_ place: LoRATable.Place) -> LoRAFolder { place == .library ? library : bin }

    /// Moves a file back to where it is written down, or beside what has come there since.
    /// - Returns: whether it is written down there.
    private mutating func moveBack(_ file: String, to place: LoRATable.Place) throws -> Bool {
        guard let stamp = try LoRAFolder.stamp(file), let (path, row) = lost[place]?[stamp] else { return false }
        let back = try folder(place).take(path, for: file, versioned: true)
        if back != path { try table.record(row, place, back) }
        known[place, default: []].insert(back)
        movedBack.append(back)
        return true
    }
}
