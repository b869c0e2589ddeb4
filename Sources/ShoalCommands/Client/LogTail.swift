import Node
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads a log that a daemon writes to meanwhile; see `LogFile`.
struct LogTail {
    /// More than one line and the file before it ever have.
    private static let limit = 4 * LogFile.limit

    private let path: String
    private var descriptor: FileDescriptor

    /// - Throws: `CommandError` where there is no log.
    init(path: String, directory: String) throws {
        self.path = path
        do {
            descriptor = try Self.open(path)
        } catch Errno.noSuchFileOrDirectory {
            throw CommandError(
                "no node or worker has logged anything in \(directory)",
                hint: "--data-dir names the data directory of another one")
        } catch {
            throw CommandError("\(path) cannot be read: \(error)")
        }
    }

    /// The last lines that are there now.
    mutating func last(_ count: Int) -> [UInt8] {
        let newest = rest()
        // Where a new file has begun meanwhile, the one before it is the one that was read.
        let former = isNewest ? (try? SmallFile.read(LogFile.former(path), limit: Self.limit)) ?? [] : []
        let all = former + newest
        return Array(all[(Self.lineBeginnings(all).suffix(count).first ?? all.endIndex)...])
    }

    /// What has come since.
    mutating func next() -> [UInt8] {
        // A file that was cut begins anew.
        if let place = try? descriptor.seek(offset: 0, from: .current),
            let end = try? descriptor.seek(offset: 0, from: .end)
        {
            _ = try? descriptor.seek(offset: end < place ? 0 : place, from: .start)
        }
        var bytes = rest()
        // A daemon that begins a new file has written the last line to the old one.
        if !isNewest, let newest = try? Self.open(path) {
            bytes += rest()
            try? descriptor.close()
            descriptor = newest
            bytes += rest()
        }
        return bytes
    }

    /// Whether the file that is open is still the one that a daemon writes to.
    private var isNewest: Bool {
        var (opened, named) = (stat(), stat())
        return fstat(descriptor.rawValue, &opened) == 0 && stat(path, &named) == 0
            && (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    }

    private func rest() -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < Self.limit {
            let chunk = try? [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
                count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            guard let chunk, !chunk.isEmpty else { break }
            bytes += chunk
        }
        return bytes
    }

    private static func open(_ path: String) throws -> FileDescriptor {
        try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
    }

    private static func lineBeginnings(_ bytes: [UInt8]) -> [Int] {
        guard !bytes.isEmpty else { return [] }
        return [0] + bytes.indices.dropLast().filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }
}
