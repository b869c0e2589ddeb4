import Bytes
package import GGUF

/// The header of a GGUF file on the hub.
package struct HubProbe: Sendable {
    package let file: HubFile
    package let header: GGUFHeader
    /// The file from its beginning to where its tensors' data starts.
    package let bytes: [UInt8]
}

extension HubClient {
    /// What is read of a file at first; doubled until the header is complete.
    private static let firstProbeBytes: UInt64 = 256 << 10
    /// Longest header that is read.
    package static let maximumHeaderBytes: UInt64 = 512 << 20

    /// Reads the header of a GGUF file, and little more than that.
    ///
    /// - Parameter maximumBytes: the longest header that is read.
    /// - Throws: `HubError`: `notGGUF` for other or damaged files, `tooLarge` where the header has more than `maximumBytes`;
    ///   `CancellationError`.
    package func probe(_ file: HubFile, upTo maximumBytes: UInt64 = maximumHeaderBytes) async throws -> HubProbe {
        var header: GGUFHeader?
        let bytes = try await beginning(of: file, upTo: maximumBytes) { bytes in
            do {
                let read = try GGUFHeader(reading: MemorySource(bytes, byteCount: file.sizeBytes))
                guard read.dataOffset <= UInt64(bytes.count) || UInt64(bytes.count) == file.sizeBytes else {
                    return nil
                }
                header = read
                return Int(min(read.dataOffset, UInt64(bytes.count)))
            } catch let error as GGUFError where error.code == .truncated && UInt64(bytes.count) < file.sizeBytes {
                return nil
            } catch let error as GGUFError {
                throw HubError(
                    .notGGUF, "\(file.path) of \(file.repository) is no GGUF file that can be used: \(error.message)",
                    cause: error)
            }
        }
        guard let header else {
            throw HubError(.notGGUF, "\(file.path) of \(file.repository) is empty; choose another file")
        }
        return HubProbe(file: file, header: header, bytes: bytes)
    }

    /// Reads a file from its beginning, twice as much each time, until `length` says how many of the bytes are wanted. No byte is
    /// asked for twice.
    ///
    /// - Parameter length: takes all bytes so far; answers nil when more are needed.
    /// - Throws: as ``read(_:range:onBytes:)``; what `length` throws; `HubError` of code `tooLarge`.
    package func beginning(
        of file: HubFile, upTo maximumBytes: UInt64 = maximumHeaderBytes, length: ([UInt8]) throws -> Int?
    ) async throws -> [UInt8] {
        let limit = min(file.sizeBytes, maximumBytes)
        var bytes: [UInt8] = []
        var end = min(limit, Self.firstProbeBytes)
        while true {
            let collected = Collector()
            try await read(file, range: UInt64(bytes.count)..<end) { chunk, _ in
                _ = collected.append(chunk, upTo: .max)
            }
            bytes += collected.bytes
            if let count = try length(bytes) {
                return Array(bytes.prefix(count))
            }
            guard end < limit else {
                throw HubError(
                    .tooLarge,
                    "the header of \(file.path) of \(file.repository) has more than \(end) bytes; choose another file")
            }
            end = min(limit, end * 2)
        }
    }
}
