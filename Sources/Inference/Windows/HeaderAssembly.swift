import Generation
package import Link
package import ModelLibrary

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model's manifest and headers as their chunks arrive: in order, without gaps, of bounded size.
package struct HeaderAssembly: Sendable {
    /// Largest manifest and headers that are taken, all parts together.
    private static let maximumBytes = 256 << 20

    private var manifest: ModelManifest?
    private var headers: [[UInt8]] = []
    private var bytes = 0

    package init() {}

    /// Takes the next chunk.
    ///
    /// - Throws: `InferenceError` when it does not fit what came before, or the manifest cannot be read.
    package mutating func add(_ chunk: Shoal_V1_FileChunk) throws {
        bytes += chunk.data.count + chunk.manifest.count
        guard bytes <= Self.maximumBytes else { throw Self.fault("it is longer than \(Self.maximumBytes >> 20) MiB") }
        if !chunk.manifest.isEmpty {
            guard manifest == nil else { throw Self.fault("it has two manifests") }
            manifest = try ModelManifest(json: chunk.manifest)
        }
        guard let manifest else { throw Self.fault("it does not begin with a manifest") }
        guard !chunk.data.isEmpty else { return }
        let part = Int(chunk.part)
        if part == headers.count { headers.append([]) }
        guard part == headers.count - 1, part < manifest.parts.count, chunk.offset == UInt64(headers[part].count) else {
            throw Self.fault("its pieces are out of order")
        }
        guard UInt64(headers[part].count + chunk.data.count) <= manifest.parts[part].headerBytes else {
            throw Self.fault("part \(part) is longer than its manifest says")
        }
        headers[part].append(contentsOf: chunk.data)
    }

    /// The whole, once all chunks are there. Whether hashes fit is checked by the library.
    package func finish() throws -> (manifest: ModelManifest, headers: [[UInt8]]) {
        guard let manifest, headers.count == manifest.parts.count else { throw Self.fault("it ended too early") }
        return (manifest, headers)
    }

    private static func fault(_ what: String) -> InferenceError {
        InferenceError(.engineFailed, "a peer sent a header that cannot be used: \(what)")
    }
}
