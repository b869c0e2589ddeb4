#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The one folder whose contents clients may see and name.
///
/// A path is walked name by name, each folder opened from the one before and links read and followed by hand, so that no change of
/// the disk in between leads out of the root. Links that stay inside are followed; hidden files, links out, and links to hidden
/// files are refused. Calls block on the disk.
package struct FileRoot: Sendable {
    /// Most links in one path, as systems have it (path_resolution(7)).
    private static let maximumLinks = 40
    /// Most steps of one walk, links included.
    private static let maximumSteps = 1024

    /// The folder, as it was configured.
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// A folder that was found under the root.
    struct Found {
        /// As the client names it, with the absolute form made relative.
        let clientPath: ClientPath
        let folder: OpenFolder
        /// Its names from the root on, without links.
        let realNames: [String]
        /// The root without links.
        let root: String
    }

    /// Where a folder is on this machine, without links.
    ///
    /// - Parameter clientPath: relative to the root, with or without a leading `/`; or absolute and inside the root.
    /// - Throws: `FileError`.
    package func realPath(ofFolder clientPath: String) throws(FileError) -> String {
        let found = try find(clientPath)
        return ([found.root == "/" ? "" : found.root] + found.realNames).joined(separator: "/")
    }

    /// Finds a folder. Where the path leads nowhere under the root, it may also be an absolute path into the root.
    func find(_ clientPath: String) throws(FileError) -> Found {
        let root = try realRoot()
        do throws(FileError) {
            return try walk(ClientPath(clientPath), root: root)
        } catch  where error.code == .notFound || error.code == .hidden {
            guard let names = Self.names(of: clientPath, inside: [root, path]) else { throw error }
            return try walk(ClientPath(names.joined(separator: "/")), root: root)
        }
    }

    private func realRoot() throws(FileError) -> String {
        guard let resolved = realpath(path, nil) else {
            throw FileError(
                .noRoot, "the folder for files is not there: \(String(cString: strerror(errno))); see files.root")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func openRoot(_ root: String) throws(FileError) -> OpenFolder {
        do {
            return try OpenFolder(path: root)
        } catch {
            throw FileError(
                .noRoot,
                "the folder for files cannot be opened: \(String(cString: strerror(error.number))); see files.root")
        }
    }

    private func walk(_ path: ClientPath, root: String) throws(FileError) -> Found {
        let entry = try follow(names: path.names, from: [], root: root, asking: path.description)
        guard case .folder(let folder, let names) = entry else {
            throw FileError(.notAFolder, "\(FileError.shown(path.description)) is not a folder")
        }
        return Found(clientPath: path, folder: folder, realNames: names, root: root)
    }

    /// What a walk comes to.
    enum Destination {
        case folder(OpenFolder, names: [String])
        case file(sizeBytes: Int64)
    }

    /// Walks `names` from the folder at `start`, which are names from the root on and no links.
    func follow(
        names: [String], from start: [String], root: String, asking path: String
    ) throws(FileError) -> Destination {
        var ahead = Array(names.reversed())
        var real = start
        var folder = try reopen(real, root: root, asking: path)
        var links = 0
        var steps = 0
        while let name = ahead.popLast() {
            steps += 1
            guard steps <= Self.maximumSteps else { throw FileError(systemCall: ELOOP, path: path) }
            if name == ".." {
                guard !real.isEmpty else { throw Self.outside(path) }
                real.removeLast()
                folder = try reopen(real, root: root, asking: path)
                continue
            }
            guard name.utf8.first != UInt8(ascii: ".") else {
                throw FileError(.hidden, "\(FileError.shown(path)) leads to hidden files, which are not shown")
            }
            do {
                switch try folder.entry(name) {
                case .folder:
                    folder = try OpenFolder(name, in: folder)
                    real.append(name)
                case .link:
                    links += 1
                    guard links <= Self.maximumLinks else { throw FileError(systemCall: ELOOP, path: path) }
                    let target = try folder.target(ofLink: name)
                    if target.utf8.first == UInt8(ascii: "/") {
                        guard let inside = Self.names(of: target, inside: [root, self.path]) else {
                            throw Self.outside(path)
                        }
                        real = []
                        folder = try openRoot(root)
                        ahead += inside.reversed()
                    } else {
                        ahead += Self.names(of: target).reversed()
                    }
                case .file(let sizeBytes):
                    guard ahead.isEmpty else { throw FileError(systemCall: ENOTDIR, path: path) }
                    return .file(sizeBytes: sizeBytes)
                }
            } catch let fault as SystemFault {
                throw FileError(systemCall: fault.number, path: path)
            } catch let error as FileError {
                throw error
            } catch {
                throw FileError(.fileSystem, "cannot look at \(FileError.shown(path)): \(error)")
            }
        }
        return .folder(folder, names: real)
    }

    /// Opens folders from the root on, none of them through a link.
    private func reopen(_ names: [String], root: String, asking path: String) throws(FileError) -> OpenFolder {
        var folder = try openRoot(root)
        for name in names {
            do { folder = try OpenFolder(name, in: folder) } catch {
                throw FileError(systemCall: error.number, path: path)
            }
        }
        return folder
    }

    private static func outside(_ path: String) -> FileError {
        FileError(.outside, "\(FileError.shown(path)) leads out of the folder for files")
    }

    private static func names(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }
    }

    /// The names that follow one of `roots` in an absolute path; nil where none of them is at its beginning.
    private static func names(of path: String, inside roots: [String]) -> [String]? {
        let names = names(of: path)
        for root in roots {
            let prefix = Self.names(of: root)
            if names.starts(with: prefix, by: { $0.utf8.elementsEqual($1.utf8) }) {
                return Array(names.dropFirst(prefix.count))
            }
        }
        return nil
    }
}
