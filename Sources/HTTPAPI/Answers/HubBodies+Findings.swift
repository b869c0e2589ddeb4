import Acquisition
import Catalogue
import Hub
import NodeAPI

extension HubFilesBody {
    init(_ repository: HubRepository, _ variants: [HubVariant]) {
        self.init(
            repoId: repository.description, variants: variants.wholeModels,
            mmproj: variants.filter { $0.kind == .projector }.compactMap(HubVariantBody.init),
            recommendedVariant: variants.recommendedName)
    }
}

extension HubHitBody {
    init(_ finding: HubFinding) {
        let (appraisal, score) = (finding.appraisal, finding.appraisal.score)
        self.init(
            repoId: finding.repository.description, downloads: finding.downloads, likes: finding.likes,
            variants: finding.variants.wholeModels, recommendedVariant: finding.variants.recommendedName,
            fitsVram: appraisal.fitsMemory, fitsBoomerang: appraisal.fitsEncrypted, fitsShard: appraisal.fitsShard,
            estShardSize: Int64(clamping: appraisal.shardBytes),
            estBoomerangSize: Int64(clamping: appraisal.encryptedBytes), networkReplicas: finding.replicas,
            compositeScore: score.total,
            scoreBreakdown: Score(quality: score.quality, fit: score.fit, demand: score.demand, size: score.size),
            taskTags: finding.tasks.map(\.rawValue).sorted(), swarmCtaStatus: appraisal.standing.rawValue)
    }
}

extension HubProbeBody {
    init(_ probe: HeaderProbe) {
        self.init(
            totalSize: Int64(clamping: probe.sizeBytes), headerSize: Int64(clamping: probe.headerBytes),
            shardCount: probe.shardCount, architecture: probe.architecture, architectureSupported: probe.isSupported,
            networkReplicas: probe.replicas)
    }
}

extension HubVariantBody {
    fileprivate init?(_ variant: HubVariant) {
        guard let first = variant.files.first else { return nil }
        self.init(
            filename: first.path.text, sizeBytes: Int64(clamping: variant.sizeBytes ?? 0), quant: variant.quantization,
            parts: variant.files.count)
    }
}

extension [HubVariant] {
    fileprivate var wholeModels: [HubVariantBody] {
        filter { $0.kind == .model && $0.isComplete }.compactMap(HubVariantBody.init)
    }

    /// The quantisation, or the file's name, of the variant to take.
    fileprivate var recommendedName: String? {
        HubVariant.recommended(among: self).flatMap { $0.quantization ?? $0.files.first?.path.text }
    }
}
