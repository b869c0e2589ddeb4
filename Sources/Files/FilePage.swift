import HeapModule

/// Something in a folder.
package struct FileItem: Sendable, Hashable {
    package let name: String
    /// From the root on, with a leading `/`.
    package let path: String
    package let isFolder: Bool
    /// 0 for folders.
    package let sizeBytes: Int64

    package init(name: String, path: String, isFolder: Bool, sizeBytes: Int64) {
        self.name = name
        self.path = path
        self.isFolder = isFolder
        self.sizeBytes = sizeBytes
    }
}

/// Some of what is in a folder, ordered by the bytes of the names.
package struct FilePage: Sendable, Hashable {
    /// The folder, from the root on, with a leading `/`.
    package let path: String
    package let items: [FileItem]
    /// The name to go on after; nil where nothing follows.
    package let next: String?

    package init(path: String, items: [FileItem], next: String?) {
        self.path = path
        self.items = items
        self.next = next
    }
}

extension FileRoot {
    /// Lists a folder, whatever its size in memory for one page.
    ///
    /// Hidden files, links that lead out of the root or nowhere, and names that are not UTF-8 are left out, so that a page may have
    /// fewer items than wanted although more follow.
    ///
    /// - Parameters:
    ///   - after: a name, of an entry that need not exist any more; only what comes after it is listed.
    ///   - limit: most items, at least 1.
    /// - Throws: `FileError`.
    package func list(_ clientPath: String, after: String? = nil, limit: Int) throws(FileError) -> FilePage {
        let found = try find(clientPath)
        var names = SmallestNames(limit: limit)
        do {
            try found.folder.forEachName { name in
                guard name.utf8.first != UInt8(ascii: ".") else { return }
                if let after, DiskName(text: name) <= DiskName(text: after) { return }
                names.insert(DiskName(text: name))
            }
        } catch {
            throw FileError(systemCall: error.number, path: clientPath)
        }
        let sorted = names.sorted()
        return FilePage(
            path: found.clientPath.description, items: sorted.compactMap { item($0, in: found) },
            next: names.leftOut ? sorted.last : nil)
    }

    /// An entry of a folder; nil where it is not to be shown, or has gone meanwhile.
    private func item(_ name: String, in found: Found) -> FileItem? {
        guard let entry = try? found.folder.entry(name) else { return nil }
        let path = found.clientPath.appending(name)
        switch entry {
        case .folder: return FileItem(name: name, path: path, isFolder: true, sizeBytes: 0)
        case .file(let size): return FileItem(name: name, path: path, isFolder: false, sizeBytes: size)
        case .link:
            switch try? follow(names: [name], from: found.realNames, root: found.root, asking: path) {
            case .folder: return FileItem(name: name, path: path, isFolder: true, sizeBytes: 0)
            case .file(let size): return FileItem(name: name, path: path, isFolder: false, sizeBytes: size)
            case nil: return nil
            }
        }
    }
}

/// The first few of many names in the order of their bytes.
struct SmallestNames {
    private var heap = Heap<DiskName>()
    private let limit: Int
    /// Whether there were more names than are kept.
    private(set) var leftOut = false

    init(limit: Int) { self.limit = max(1, limit) }

    mutating func insert(_ name: DiskName) {
        guard heap.count >= limit else { return heap.insert(name) }
        leftOut = true
        if let last = heap.max, name < last { heap.replaceMax(with: name) }
    }

    func sorted() -> [String] { heap.unordered.sorted().map(\.text) }
}

/// A name as the disk compares it: by bytes, and not by what Unicode holds for equal.
struct DiskName: Comparable {
    let text: String

    static func == (one: DiskName, other: DiskName) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }
    static func < (one: DiskName, other: DiskName) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }
}
