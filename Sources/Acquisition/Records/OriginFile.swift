import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file `hf_source.json` in a model's folder: where the model is from.
///
/// It is there as a whole or not at all, whatever happens while it is written.
package enum OriginFile {
    package static let name = "hf_source.json"
    /// Most bytes that are read of it.
    private static let maximumBytes = 64 << 10

    /// What the file in that folder says; nil where there is none.
    ///
    /// - Throws: `AcquisitionError` of code `badOrigin` where it says nothing usable, `fileSystem` where it cannot be read.
    package static func read(in folder: String) throws(AcquisitionError) -> ModelOrigin? {
        let path = "\(folder)/\(name)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw fault("open", path)
        }
        defer { close(descriptor) }
        // Pipes have no end, folders one far away, and devices nothing before it.
        let size = lseek(descriptor, 0, SEEK_END)
        guard (0...maximumBytes).contains(Int(size)) else {
            throw AcquisitionError(.badOrigin, "\(path) is no description of where a model is from; remove it")
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw fault("read", path) }
        do {
            return try JSONDecoder().decode(ModelOrigin.self, from: Data(bytes.prefix(count))).checked()
        } catch {
            throw AcquisitionError(
                .badOrigin, "\(path) does not say where the model is from: \(error); correct or remove it", cause: error
            )
        }
    }

    /// Writes the file, durably.
    ///
    /// - Throws: `AcquisitionError` of code `fileSystem`.
    package static func write(_ origin: ModelOrigin, in folder: String) throws(AcquisitionError) {
        let path = "\(folder)/\(name)"
        let temporary = path + ".new"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(origin) else { throw fault("write", path) }
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw fault("create", temporary) }
        let isWritten = data.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) } == data.count
        let isSynchronized = isWritten && fsync(descriptor) == 0
        let failure = isSynchronized ? nil : fault("write", temporary)
        close(descriptor)
        if let failure {
            unlink(temporary)
            throw failure
        }
        guard rename(temporary, path) == 0 else { throw fault("replace", path) }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw fault("open", folder) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw fault("write", folder) }
    }

    /// Removes what a killed process left in that folder.
    static func removeLeftover(in folder: String) {
        unlink("\(folder)/\(name).new")
    }

    private static func fault(_ action: String, _ path: String) -> AcquisitionError {
        let isFull = errno == ENOSPC || errno == EDQUOT
        let advice = isFull ? "free some space on this disk" : "check the disk and its rights"
        return AcquisitionError(
            isFull ? .diskFull : .fileSystem, "cannot \(action) \(path): \(String(cString: strerror(errno))); \(advice)"
        )
    }
}
