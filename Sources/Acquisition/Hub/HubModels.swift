import FoundationEssentials
import GGUF
package import Hub
package import ModelLibrary
import Synchronization

/// Models on a hub: what their headers say, and their bytes.
package final class HubModels: Sendable {
    /// A model as its publisher has it.
    package struct Description: Sendable {
        /// Where it is; the revision is the commit that the rest is of.
        package let origin: ModelOrigin
        /// The model's files, in part order.
        package let files: [HubFile]
        package let manifest: ModelManifest
        /// The bytes before tensor data, of each part.
        package let headers: [[UInt8]]

        package var headerBytes: UInt64 { headers.reduce(0) { $0 + UInt64($1.count) } }
    }

    /// How long the hub's word on where a file is counts.
    private static let resolvedFor: Duration = .seconds(600)

    package let client: HubClient
    private let library: ModelLibrary
    private let shardSizeBytes: UInt64
    private let resolved = Mutex<[ModelOrigin: (files: [HubFile], at: ContinuousClock.Instant)]>([:])

    package init(client: HubClient, library: ModelLibrary, shardSizeBytes: UInt64) {
        self.client = client
        self.library = library
        self.shardSizeBytes = shardSizeBytes
    }

    /// Reads the headers of a model, and nothing more of it.
    ///
    /// - Parameters:
    ///   - origin: the model's file, or any of its parts.
    ///   - id: the id to keep it under; nil: the one that the file's name gives.
    /// - Throws: `HubError`; `LibraryError` of code `notAModel`; `AcquisitionError` of code `badOrigin` for a name that gives no
    ///   id.
    package func describe(_ origin: ModelOrigin, id: ModelID? = nil) async throws -> Description {
        let files = try await files(of: origin)
        guard let id = id ?? ModelID(fileName: files[0].path.name) else {
            throw AcquisitionError(
                .badOrigin, field: "model_id", "the name of \(origin.file) gives no model id; choose one yourself")
        }
        var parts: [ModelManifest.RemotePart] = []
        do {
            for file in files {
                let probe = try await client.probe(file)
                parts.append(
                    ModelManifest.RemotePart(
                        name: file.path.name, sizeBytes: file.sizeBytes, sha256: file.sha256, header: probe.bytes))
            }
        } catch let error as HubError {
            // What the hub said may be what was wrong: who asks again asks the hub again.
            forget(origin)
            throw error
        }
        let (manifest, headers) = try ModelManifest.describing(parts, id: id, shardSizeBytes: shardSizeBytes)
        var pinned = origin
        pinned.file = files[0].path.text
        pinned.revision = files[0].commit.text
        return Description(origin: pinned, files: files, manifest: manifest, headers: headers)
    }

    /// The file that turns images into embeddings for the models of a repository; nil where it has none.
    ///
    /// - Throws: `HubError`.
    func projector(beside origin: ModelOrigin) async throws -> String? {
        let info = try await client.info(
            of: HubRepository(origin.repository), revision: origin.revision.map { try HubRevision($0) } ?? .main)
        return HubVariant.recommendedProjector(among: info.variants)?.path.text
    }

    /// Takes a model into the library, with its header only.
    ///
    /// - Throws: `LibraryError`: `idTaken` where another model has the id, `diskFull`, of the file system.
    package func adopt(_ description: Description) async throws {
        try await library.adoptHeader(description.manifest, parts: description.headers)
    }

    /// Somebody who sends the bytes of models from where their publisher has them. The hub is asked when somebody wants some.
    func supplier(origin: ModelOrigin) -> HubSupplier { HubSupplier(models: self, origin: origin) }

    /// The files of a model at its publisher's, in part order.
    ///
    /// - Throws: `AcquisitionError` of code `notHeldThere` where the publisher has other files than the model's by now;
    ///   `HubError`.
    func files(of model: LibraryModel, at origin: ModelOrigin) async throws -> [HubFile] {
        let files = try await files(of: origin)
        let parts = model.manifest.parts
        let isSame =
            files.count == parts.count
            && zip(files, parts).allSatisfy { file, part in
                file.sizeBytes == part.sizeBytes
                    && (part.sha256 == nil || file.sha256 == nil || part.sha256 == file.sha256)
            }
        guard isSame else {
            forget(origin)
            throw AcquisitionError(
                .notHeldThere,
                "\(origin.repository) has another \(origin.file) than \(model.id) was made of; remove the model and pull "
                    + "it again to have the new one", isFinal: true)
        }
        return files
    }

    /// The model's files in part order, all of one commit.
    private func files(of origin: ModelOrigin) async throws -> [HubFile] {
        if let known = resolved.withLock({ $0[origin] }), .now - known.at < Self.resolvedFor { return known.files }
        let repository = try HubRepository(origin.repository)
        var revision = try origin.revision.map { try HubRevision($0) } ?? .main
        var files: [HubFile] = []
        for path in PartName.siblings(of: origin.file) {
            let file = try await client.resolve(repository, try HubFilePath(path), revision: revision)
            // A push between two parts must not mix two models.
            revision = file.commit
            files.append(file)
        }
        resolved.withLock { known in
            known = known.filter { .now - $0.value.at < Self.resolvedFor }
            known[origin] = (files, .now)
        }
        return files
    }

    /// Has the hub asked anew where a file is.
    func forget(_ origin: ModelOrigin) {
        resolved.withLock { _ = $0.removeValue(forKey: origin) }
    }
}
