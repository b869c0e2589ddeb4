import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A daemon's log on disk, which is still there when the daemon is not: the newest lines in one file, those before in another.
package final class LogFile: Sendable {
    /// How large a file may become before the next one begins: there are two, so that twice this is kept.
    package static let limit = 4 << 20

    private struct State {
        var descriptor: FileDescriptor?
        var size = 0
    }

    private let path: String
    private let limit: Int
    private let state = Mutex(State())

    package init(path: String, limit: Int = LogFile.limit) {
        self.path = path
        self.limit = limit
    }

    deinit {
        state.withLock { try? $0.descriptor?.close() }
    }

    /// Where the lines are that came before those at `path`.
    package static func former(_ path: String) -> String { path + ".1" }

    /// Adds a line, as far as the disk lets it be added: a daemon does not stop for its log.
    package func append(_ line: [UInt8]) {
        state.withLock { state in
            if state.descriptor == nil || !isThere(&state) { state = open() }
            if state.size + line.count > limit, state.size > 0 {
                try? state.descriptor?.close()
                rename(path, Self.former(path))
                state = open()
            }
            guard let descriptor = state.descriptor else { return }
            if (try? descriptor.writeAll(line)) != nil {
                state.size += line.count
            } else {
                // A full disk: no half a line stays.
                ftruncate(descriptor.rawValue, off_t(state.size))
            }
        }
    }

    /// Whether the open file is not removed; whoever cut it is followed.
    private func isThere(_ state: inout State) -> Bool {
        var status = stat()
        guard let descriptor = state.descriptor, fstat(descriptor.rawValue, &status) == 0, status.st_nlink > 0 else {
            try? state.descriptor?.close()
            return false
        }
        state.size = Int(status.st_size)
        return true
    }

    private func open() -> State {
        let descriptor = try? FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .append, .closeOnExec, .noFollow],
            permissions: [.ownerRead, .ownerWrite])
        return State(
            descriptor: descriptor, size: (try? descriptor?.seek(offset: 0, from: .end)).map(Int.init) ?? 0)
    }
}
