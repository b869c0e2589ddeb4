/// One way to have a model: a GGUF file, or one in parts.
package struct HubVariantBody: Codable, Sendable, Hashable {
    /// The path of the file, or of its first part, within the repository.
    package var filename: String
    /// All parts together.
    package var sizeBytes: Int64
    /// How the weights are quantised, such as `Q4_K_M`; nil where the name does not say.
    @Nullable package var quant: String?
    /// How many files it is in.
    package var parts: Int

    package init(
        filename: String, sizeBytes: Int64, quant: String?, parts: Int
    ) {
        self.filename = filename
        self.sizeBytes = sizeBytes
        self.quant = quant
        self.parts = parts
    }
}

/// `GET /api/admin/hf/files`: the GGUF files of one repository.
package struct HubFilesBody: Codable, Sendable, Hashable {
    package var repoId: String
    package var variants: [HubVariantBody]
    /// Files that turn images into embeddings.
    package var mmproj: [HubVariantBody]
    /// The quantisation, or the file's name, of the variant to take; nil where there is none.
    @Nullable package var recommendedVariant: String?

    package init(
        repoId: String, variants: [HubVariantBody], mmproj: [HubVariantBody], recommendedVariant: String?
    ) {
        self.repoId = repoId
        self.variants = variants
        self.mmproj = mmproj
        self.recommendedVariant = recommendedVariant
    }
}

/// `GET /api/admin/hf/probe`: what the header of a file on a hub says, and what would become of it here.
package struct HubProbeBody: Codable, Sendable, Hashable {
    package var status = "ok"
    package var totalSize: Int64
    package var headerSize: Int64
    package var shardCount: Int
    package var architecture: String
    package var architectureSupported: Bool
    /// Nodes of the swarm that hold something of it.
    package var networkReplicas: Int

    package init(
        totalSize: Int64, headerSize: Int64, shardCount: Int, architecture: String, architectureSupported: Bool,
        networkReplicas: Int
    ) {
        self.totalSize = totalSize
        self.headerSize = headerSize
        self.shardCount = shardCount
        self.architecture = architecture
        self.architectureSupported = architectureSupported
        self.networkReplicas = networkReplicas
    }
}

/// `POST /api/admin/hf/download-shards`: what is being fetched.
package struct HubDownloadBody: Codable, Sendable, Hashable {
    package var status = "started"
    package var modelId: String
    /// Those that were asked for, the ones that are here already included.
    package var shards: [Int]
    package var peerFairShare: Bool

    package init(
        modelId: String, shards: [Int], peerFairShare: Bool
    ) {
        self.modelId = modelId
        self.shards = shards
        self.peerFairShare = peerFairShare
    }
}
