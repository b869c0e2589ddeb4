/// One of `GET /api/admin/hf/search`: a repository, and what this node and the swarm could do with it.
package struct HubHitBody: Codable, Sendable, Hashable {
    package struct Score: Codable, Sendable, Hashable {
        package var quality: Int
        package var fit: Int
        package var demand: Int
        package var size: Int

        package init(
            quality: Int, fit: Int, demand: Int, size: Int
        ) {
            self.quality = quality
            self.fit = fit
            self.demand = demand
            self.size = size
        }
    }

    package var repoId: String
    package var downloads: Int
    package var likes: Int
    package var variants: [HubVariantBody]
    @Nullable package var recommendedVariant: String?
    /// The recommended variant fits into this node's memory.
    package var fitsVram: Bool
    /// Its first and last shard do.
    package var fitsBoomerang: Bool
    /// One shard of it does.
    package var fitsShard: Bool
    package var estShardSize: Int64
    package var estBoomerangSize: Int64
    /// Nodes of the swarm that hold something of it.
    package var networkReplicas: Int
    package var compositeScore: Int
    package var scoreBreakdown: Score
    package var taskTags: [String]
    package var swarmCtaStatus: String

    package init(
        repoId: String, downloads: Int, likes: Int, variants: [HubVariantBody], recommendedVariant: String?,
        fitsVram: Bool, fitsBoomerang: Bool, fitsShard: Bool, estShardSize: Int64, estBoomerangSize: Int64,
        networkReplicas: Int, compositeScore: Int, scoreBreakdown: Score, taskTags: [String], swarmCtaStatus: String
    ) {
        self.repoId = repoId
        self.downloads = downloads
        self.likes = likes
        self.variants = variants
        self.recommendedVariant = recommendedVariant
        self.fitsVram = fitsVram
        self.fitsBoomerang = fitsBoomerang
        self.fitsShard = fitsShard
        self.estShardSize = estShardSize
        self.estBoomerangSize = estBoomerangSize
        self.networkReplicas = networkReplicas
        self.compositeScore = compositeScore
        self.scoreBreakdown = scoreBreakdown
        self.taskTags = taskTags
        self.swarmCtaStatus = swarmCtaStatus
    }
}
