import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a job's trainer wrote, in a file of bounded size: when it is full, its older half is given up.
///
/// The log is two files, of which the newer one is `path`. A disk that is full costs lines and never the job.
final class JobLog: Sendable {
    /// Most bytes of a log.
    static let maximumBytes = 1 << 20

    private struct State {
        var descriptor: Int32
        var writtenBytes = 0
    }

    private let path: String
    private let half: Int
    private let state: Mutex<State>

    /// Begins a new log.
    init(path: String, maximumBytes: Int = JobLog.maximumBytes) throws(JobError) {
        self.path = path
        half = max(1, maximumBytes / 2)
        let descriptor = Self.create(path)
        guard descriptor >= 0 else {
            throw JobError(.storage, "the log \(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        let descriptor = state.withLock { $0.descriptor }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Adds a line; control characters other than tabs become spaces.
    func append(_ line: String) {
        var bytes = line.utf8.map { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F ? 0x20 : $0 }
        bytes.append(0x0A)
        state.withLock { state in
            if state.writtenBytes > 0, state.writtenBytes + bytes.count > half { turn(&state) }
            guard state.descriptor >= 0 else { return }
            state.writtenBytes += bytes.count
            var done = 0
            while done < bytes.count {
                let count = bytes[done...].withUnsafeBytes { write(state.descriptor, $0.baseAddress, $0.count) }
                if count > 0 { done += count } else if count == 0 || errno != EINTR { return }
            }
        }
    }

    private func turn(_ state: inout State) {
        if state.descriptor >= 0 { close(state.descriptor) }
        rename(path, Self.older(path))
        state.descriptor = Self.create(path)
        state.writtenBytes = 0
    }

    /// What a log holds; empty where there is none.
    static func contents(at path: String) -> [UInt8] {
        // The newer part first: turning in between then shows lines twice rather than not at all.
        let newer = bytes(of: path)
        return bytes(of: older(path)) + newer
    }

    static func remove(_ path: String) {
        unlink(path)
        unlink(older(path))
    }

    private static func older(_ path: String) -> String { path + ".older" }

    private static func create(_ path: String) -> Int32 {
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }

    private static func bytes(of path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 4 * maximumBytes {
            let count = buffer.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(bytes.count))
            }
            if count > 0 { bytes += buffer[..<count] } else if count == 0 || errno != EINTR { break }
        }
        return bytes
    }
}
