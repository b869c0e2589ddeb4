/// `POST /api/admin/models/{id}/unload`.
package struct UnloadedModelBody: Codable, Sendable, Hashable {
    package var status = "unloaded"
    package var modelId: String
    package var modelName: String
    package var segmentsRemoved: Int
    package var estimatedFreedMb: Int

    package init(
        modelId: String, modelName: String, segmentsRemoved: Int, estimatedFreedMb: Int
    ) {
        self.modelId = modelId
        self.modelName = modelName
        self.segmentsRemoved = segmentsRemoved
        self.estimatedFreedMb = estimatedFreedMb
    }
}

/// `POST /api/admin/models/{id}/shards/{index}/load`.
package struct LoadedShardBody: Codable, Sendable, Hashable {
    package var status = "loaded"
    package var modelId: String
    package var shardIndex: Int
    package var loadedShards: [Int]

    package init(
        modelId: String, shardIndex: Int, loadedShards: [Int]
    ) {
        self.modelId = modelId
        self.shardIndex = shardIndex
        self.loadedShards = loadedShards
    }
}

/// `POST /api/admin/models/{id}/shards/{index}/unload`.
package struct UnloadedShardBody: Codable, Sendable, Hashable {
    package var status = "unloaded"
    package var modelId: String
    package var shardIndex: Int
    package var remainingLoaded: [Int]

    package init(
        modelId: String, shardIndex: Int, remainingLoaded: [Int]
    ) {
        self.modelId = modelId
        self.shardIndex = shardIndex
        self.remainingLoaded = remainingLoaded
    }
}
