package import Acquisition
import JSON

/// What to look for on a hub.
package struct HubSearch: Sendable, Hashable {
    package var text: String
    /// Only models that are made for one of these; empty: any.
    package var tasks: Set<ModelTask>
    /// Most repositories to answer.
    package var limit: Int

    package init(text: String, tasks: Set<ModelTask> = [], limit: Int) {
        self.text = text
        self.tasks = tasks
        self.limit = limit
    }
}

/// One way to have a model: a GGUF file, or one in parts.
package struct HubVariantSummary: Sendable, Hashable {
    /// The path of the file, or of its first part, within the repository.
    package var file: String
    /// All parts together.
    package var sizeBytes: UInt64
    /// How the weights are quantised, such as `Q4_K_M`; nil where the name does not say.
    package var quantization: String?
    /// How many files it is in.
    package var parts: Int

    package init(file: String, sizeBytes: UInt64, quantization: String?, parts: Int = 1) {
        self.file = file
        self.sizeBytes = sizeBytes
        self.quantization = quantization
        self.parts = parts
    }

    var json: JSONValue {
        [
            "filename": .string(file), "size_bytes": .integer(Int(clamping: sizeBytes)),
            "quant": .optional(quantization), "parts": .integer(parts),
        ]
    }
}

/// The GGUF files of one repository.
package struct HubFilesSummary: Sendable, Hashable {
    package var repository: String
    package var variants: [HubVariantSummary]
    /// Files that turn images into embeddings.
    package var projectors: [HubVariantSummary]
    /// The quantisation, or the file's name, of the variant to take; nil where there is none.
    package var recommended: String?

    package init(
        repository: String, variants: [HubVariantSummary], projectors: [HubVariantSummary] = [],
        recommended: String? = nil
    ) {
        self.repository = repository
        self.variants = variants
        self.projectors = projectors
        self.recommended = recommended
    }

    var json: JSONValue {
        [
            "repo_id": .string(repository), "variants": .array(variants.map(\.json)),
            "mmproj": .array(projectors.map(\.json)), "recommended_variant": .optional(recommended),
        ]
    }
}

/// A repository that was found, and what this node and the swarm could do with it.
package struct HubSearchSummary: Sendable, Hashable {
    package var files: HubFilesSummary
    package var downloads: Int
    package var likes: Int
    package var tasks: Set<ModelTask>
    /// Nodes of the swarm that hold something of it.
    package var replicas: Int
    /// Of the recommended variant.
    package var appraisal: ModelAppraisal

    package init(
        files: HubFilesSummary, downloads: Int, likes: Int, tasks: Set<ModelTask> = [], replicas: Int,
        appraisal: ModelAppraisal
    ) {
        self.files = files
        self.downloads = downloads
        self.likes = likes
        self.tasks = tasks
        self.replicas = replicas
        self.appraisal = appraisal
    }

    var json: JSONValue {
        [
            "repo_id": .string(files.repository),
            "downloads": .integer(downloads),
            "likes": .integer(likes),
            "variants": .array(files.variants.map(\.json)),
            "recommended_variant": .optional(files.recommended),
            "fits_vram": .bool(appraisal.fitsMemory),
            "fits_boomerang": .bool(appraisal.fitsEncrypted),
            "fits_shard": .bool(appraisal.fitsShard),
            "est_shard_size": .integer(Int(clamping: appraisal.shardBytes)),
            "est_boomerang_size": .integer(Int(clamping: appraisal.encryptedBytes)),
            "network_replicas": .integer(replicas),
            "composite_score": .integer(appraisal.score.total),
            "score_breakdown": [
                "quality": .integer(appraisal.score.quality), "fit": .integer(appraisal.score.fit),
                "demand": .integer(appraisal.score.demand),
                "size": .integer(appraisal.score.size),
            ],
            "task_tags": .array(tasks.map(\.rawValue).sorted().map { .string($0) }),
            "swarm_cta_status": .string(appraisal.standing.rawValue),
        ]
    }
}

/// What the header of a file on a hub says, and what would become of it here.
package struct HubProbeSummary: Sendable, Hashable {
    package var sizeBytes: UInt64
    package var headerBytes: UInt64
    package var shardCount: Int
    package var architecture: String
    package var isSupported: Bool
    /// Nodes of the swarm that hold something of it.
    package var replicas: Int

    package init(
        sizeBytes: UInt64, headerBytes: UInt64, shardCount: Int, architecture: String, isSupported: Bool, replicas: Int
    ) {
        self.sizeBytes = sizeBytes
        self.headerBytes = headerBytes
        self.shardCount = shardCount
        self.architecture = architecture
        self.isSupported = isSupported
        self.replicas = replicas
    }

    var json: JSONValue {
        [
            "status": "ok",
            "total_size": .integer(Int(clamping: sizeBytes)),
            "header_size": .integer(Int(clamping: headerBytes)),
            "shard_count": .integer(shardCount),
            "architecture": .string(architecture),
            "architecture_supported": .bool(isSupported),
            "network_replicas": .integer(replicas),
        ]
    }
}
