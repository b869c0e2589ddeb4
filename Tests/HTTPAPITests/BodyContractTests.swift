import Catalogue
import Foundation
import HTTPTypes
import Identifiers
import JSON
import NodeAPI
import Testing

@testable import HTTPAPI

/// The bodies of `NodeAPI` against the schemas of `openapi.yaml`: what one has, the other has.
@Suite("The bodies that the node and the command line share")
struct BodyContractTests {
    typealias Body = any (Codable & Hashable & Sendable)

    /// A body with everything that can be in it, and the route that answers with it.
    struct Sample: Sendable, CustomTestStringConvertible {
        var operation: String
        var status = 200
        var body: Body

        var testDescription: String { operation }
    }

    private static let time = "2026-01-01T00:00:00Z"
    private static let node = String(repeating: "0123456789abcdef", count: 4)

    private static let user = UserBody(
        id: 1, username: "ada", email: "ada@localhost", role: "admin", tokens: 5, active: true, createdAt: time)
    private static let entry = LedgerBody.Entry(
        id: 2, kind: "settle", amount: -3, balance: 2, reservation: 1, reason: "a training", createdAt: time)
    private static let lora = LoRABody(
        filePath: "/data/styles/a.pt", partialPath: "styles/a.pt", filename: "a.pt", fileSize: 9, entityType: "styles",
        uploadTimestamp: time, sha256: "ab")
    private static let deletedLoRA = DeletedLoRABody(
        binPath: "/bin/styles/a.pt", partialPath: "styles/a.pt", originalPath: "styles/a.pt", filename: "a.pt",
        fileSize: 9, entityType: "styles", deletedAt: time, sha256: "ab")
    private static let clusterToken = ClusterTokenBody(id: 1, name: "a", token: "ab...", active: true, createdAt: time)
    private static let apiToken = APITokenBody(
        id: 1, userId: 1, name: "a", token: "shl_a...", active: true, createdAt: time, lastUsedAt: time)
    private static let job = JobBody(
        id: "4f1d2a8c9b3e7d605a1f2b3c", state: "running", progress: 0.5, message: "", outputModel: "A",
        description: "", trainPath: "/a", userId: 1, tokensReserved: 9, tokensUsed: 0, createdAt: time,
        startedAt: time, finishedAt: time, outputDir: Nullable(wrappedValue: "/data/a"))
    private static let variant = HubVariantBody(filename: "a.gguf", sizeBytes: 1, quant: "Q4_K_M", parts: 1)
    private static let shard = DownloadBody.Shard(
        index: 0, state: "downloading", progressPct: 50, downloadedBytes: 1, totalBytes: 2, source: "mixed")
    private static let statistics = StatisticsBody(
        nodeId: node, version: "1.2.3", uptimeSeconds: 9, peers: 1, requestsServed: 1, forwardsServed: 1,
        requestsMade: 1, activeRequests: 1, hostedShards: 1,
        hardware: .init(
            gpuName: "a", gpuVramMb: 1, gpuVramUsedMb: 1, gpuInference: true, inferenceBackend: "cuda",
            modelsOnCpuFallback: ["a"], memoryBandwidthGbps: 9.5, estTokensPerSec7B: 1.5, totalRamMb: 1, usedRamMb: 1,
            processRssMb: 1, availableDiskMb: 1, totalDiskMb: 1, usedDiskMb: 1, cpuName: "a", cpuCores: 1),
        inference: .init(
            totalRequests: 1, avgLatencyMs: 1.5, minLatencyMs: 1.5, maxLatencyMs: 1.5, p50LatencyMs: 1.5,
            p95LatencyMs: 1.5, p99LatencyMs: 1.5, samples: 1))

    static let samples: [Sample] = [
        Sample(operation: "GET /api/admin/stats", body: statistics),
        Sample(
            operation: "GET /api/admin/peers",
            body: [
                PeerBody(
                    nodeId: String(node.prefix(16)), nickname: "a", latencyMs: 1, trustScore: 0.5, healthy: true,
                    gpu: "a", version: "1", uptimeSeconds: 1, hostedModels: ["a"], omittedModels: 0, hostedShards: 1,
                    isLanPeer: true, addresses: ["/ip4/127.0.0.1/tcp/1/p2p/a"], lastSeen: time)
            ]),
        Sample(
            operation: "GET /api/admin/network-code",
            body: NetworkCodeBody(
                code: "swarm://a", nodeId: String(node.prefix(16)), peerId: node, listenMultiaddrs: ["a"],
                phase: "seedling", peerCount: 0)),
        Sample(
            operation: "POST /api/admin/join-network", body: JoinedNetworkBody(address: "a", message: "Joined.")),
        Sample(operation: "POST /api/admin/leave-network", body: LeftNetworkBody(forgottenPeers: 1)),
        Sample(
            operation: "POST /api/admin/models/{id}/unload",
            body: UnloadedModelBody(modelId: "a", modelName: "A", segmentsRemoved: 1, estimatedFreedMb: 1)),
        Sample(
            operation: "POST /api/admin/models/{id}/shards/{index}/load",
            body: LoadedShardBody(modelId: "a", shardIndex: 0, loadedShards: [0])),
        Sample(
            operation: "POST /api/admin/models/{id}/shards/{index}/unload",
            body: UnloadedShardBody(modelId: "a", shardIndex: 0, remainingLoaded: [1])),
        Sample(
            operation: "PUT /api/admin/schedule",
            body: ScheduleBody(
                enabled: true, reducedHoursStart: 1, reducedHoursEnd: 2, reducedContribution: "minimal",
                pruneAggressiveness: "normal", status: "ok")),
        Sample(
            operation: "GET /api/admin/downloads",
            body: DownloadListBody(
                downloads: [
                    DownloadBody(
                        modelId: "a", modelName: "A", state: DownloadState("paused", reason: "the disk is full"),
                        source: "network", totalShards: 1, downloadedShards: 0, verifiedShards: 0, failedShards: 0,
                        totalBytes: 2, downloadedBytes: 1, overallPct: 50, speedBytesPerSec: 1, etaSecs: 1,
                        cancellable: true, startedAt: time, trigger: "user", log: ["begun"], shardDetails: [shard])
                ], total: 1)),
        Sample(
            operation: "GET /api/admin/models/{id}/status",
            body: DownloadStatusBody(
                modelId: "a", state: DownloadState("downloading"), totalShards: 1, downloadedShards: 0,
                verifiedShards: 0, failedShards: 0, totalBytes: 2, downloadedBytes: 1, speedBytesPerSec: 1,
                startedAt: time,
                shardProgress: [
                    "0": .init(index: 0, totalBytes: 2, downloadedBytes: 1, state: "downloading", source: "peers")
                ], log: ["begun"], source: "peers", trigger: "auto_manage")),
        Sample(
            operation: "GET /api/admin/hf/files",
            body: HubFilesBody(repoId: "a/b", variants: [variant], mmproj: [variant], recommendedVariant: "Q4_K_M")),
        Sample(
            operation: "GET /api/admin/hf/search",
            body: [
                HubHitBody(
                    repoId: "a/b", downloads: 1, likes: 1, variants: [variant], recommendedVariant: "Q4_K_M",
                    fitsVram: true, fitsBoomerang: true, fitsShard: true, estShardSize: 1, estBoomerangSize: 1,
                    networkReplicas: 0, compositeScore: 1,
                    scoreBreakdown: .init(quality: 1, fit: 1, demand: 1, size: 1), taskTags: ["chat"],
                    swarmCtaStatus: "downloadable")
            ]),
        Sample(
            operation: "GET /api/admin/hf/probe",
            body: HubProbeBody(
                totalSize: 2, headerSize: 1, shardCount: 1, architecture: "llama", architectureSupported: true,
                networkReplicas: 0)),
        Sample(
            operation: "POST /api/admin/hf/download-shards",
            body: HubDownloadBody(modelId: "a", shards: [0], peerFairShare: false)),
        Sample(
            operation: "GET /api/admin/models/{id}/metadata",
            body: ModelMetadataBody(
                modelId: "a",
                general: .init(
                    name: "A", architecture: "llama", architectureSupported: true, fileType: 15,
                    quantization: "Q4_K_M"),
                model: .init(
                    contextLength: 1, blockCount: 1, embeddingLength: 1, headCount: 1, headCountKv: 1,
                    ropeDimensionCount: 1, ropeFreqBase: 1.5, layerNormRmsEpsilon: 1e-5, vocabSize: 1),
                tokenizer: .init(model: "llama", pre: "a", eosTokenId: 1, bosTokenId: 1, paddingTokenId: 1),
                tensors: .init(count: 1, dataOffset: 32), raw: [.init(key: "a", value: "b")])),
        Sample(operation: "GET /admin/api/users/{id}", body: user),
        Sample(operation: "GET /admin/api/users", body: UserListBody(users: [user], next: Nullable(wrappedValue: 2))),
        Sample(
            operation: "GET /admin/api/users/{id}/tokens", body: LedgerBody(balance: 2, entries: [entry], next: 2)),
        Sample(
            operation: "POST /admin/api/users/{id}/tokens", status: 201, body: GrantBody(balance: 2, entry: entry)),
        Sample(operation: "GET /admin/api/api_tokens", body: APITokenListBody(tokens: [apiToken])),
        Sample(operation: "POST /admin/api/api_tokens", status: 201, body: apiToken),
        Sample(
            operation: "POST /api/auth/login",
            body: LoggedInBody(user: user, csrfToken: "a", expiresAt: time, passwordChangeRequired: false)),
        Sample(operation: "POST /api/auth/token", body: IssuedTokenBody(token: "a", expiresAt: time)),
        Sample(
            operation: "GET /api/me",
            body: MeBody(user: user, role: "admin", proof: "session", csrfToken: "a", passwordChangeRequired: false)),
        Sample(
            operation: "GET /admin/api/jobs",
            body: JobListBody(jobs: [job], next: "4f1d2a8c9b3e7d605a1f2b3c")),
        Sample(operation: "GET /admin/api/jobs/{id}", body: job),
        Sample(operation: "POST /admin/api/train", body: TrainedBody(tokensUsed: 1, remainingTokens: 2)),
        Sample(
            operation: "GET /admin/api/cluster_tokens",
            body: ClusterTokenListBody(tokens: [clusterToken], next: Nullable(wrappedValue: "a"))),
        Sample(operation: "POST /admin/api/cluster_tokens", status: 201, body: clusterToken),
        Sample(
            operation: "GET /admin/api/cluster_clients",
            body: ClusterClientListBody(
                clients: [
                    ClusterClientBody(
                        clientId: "a", connectedAt: 1.5, lastSeen: 2.5,
                        gpuInfo: .init(
                            cudaAvailable: true, rocmAvailable: false, cudaDevices: 1, rocmDevices: 0,
                            availableBackends: ["cuda"]),
                        processes: [.init(name: "generation_cuda", status: "active", weight: 1, model: "a")])
                ], next: Nullable(wrappedValue: "a"))),
        Sample(
            operation: "GET /api/admin/cluster_nodes",
            body: ClusterBody(
                masterStats: .init(
                    totalNodes: 1, connectedNodes: 1, totalWorkers: 1, totalActiveJobs: 1, totalCompletedJobs: 1,
                    uptimeSeconds: 1.5),
                nodes: [
                    .init(
                        token: "a", tokenName: "a", hostname: "a", weight: 1, gpus: 1, gpuMemory: ["a"],
                        totalMemory: 8, workersAvailable: 1, ipAddress: "::1", connected: true, lastSeen: 1.5,
                        uptimeSeconds: 1.5, activeJobs: 1, completedJobs: 1, nodeId: "a",
                        driver: Nullable(wrappedValue: "cuda"))
                ], next: Nullable(wrappedValue: "a"))),
        Sample(
            operation: "POST /api/v1/admin/lora/upload",
            body: LoRAUploadBody(
                filePath: "/data/styles/a.pt", partialPath: "styles/a.pt", filename: "a.pt", fileSize: 9,
                uploadTimestamp: time, entityType: "styles", sameAs: "styles/b.pt")),
        Sample(operation: "GET /api/v1/admin/lora", body: LoRAListBody(files: [lora], next: "styles/a.pt")),
        Sample(operation: "POST /api/v1/admin/lora/restore", body: lora),
        Sample(operation: "GET /api/v1/admin/lora/bin", body: LoRAListBody(files: [deletedLoRA], next: "styles/a.pt")),
        Sample(
            operation: "DELETE /api/v1/admin/lora",
            body: LoRADeletionBody(fullPath: "/data/a.pt", binPath: "/bin/a.pt", timestamp: time)),
        Sample(operation: "DELETE /api/v1/admin/lora/bin", body: LoRAPurgeBody(purged: 1)),
    ]

    @Test("have every field of their schema and no other, and are read back as they were", arguments: samples)
    func shapes(sample: Sample) throws {
        try expectRoundTrip(sample.body)
        #expect(try problems(with: sample.body, at: sample.operation, status: sample.status) == [])
    }

    @Test(
        "are null or left out where there is nothing, as their schema says",
        arguments: [
            Sample(
                operation: "GET /api/admin/peers",
                body: [
                    PeerBody(
                        nodeId: String(node.prefix(16)), nickname: nil, latencyMs: nil, trustScore: 0, healthy: false,
                        gpu: nil, version: nil, uptimeSeconds: nil, hostedModels: [], omittedModels: 0, hostedShards: 0,
                        isLanPeer: false, addresses: [], lastSeen: time)
                ]),
            Sample(operation: "GET /api/me", body: MeBody(user: nil, role: "admin", proof: "node_key")),
            Sample(operation: "GET /admin/api/jobs", body: JobListBody(jobs: [], next: nil)),
        ])
    func absences(sample: Sample) throws {
        #expect(try problems(with: sample.body, at: sample.operation, status: sample.status, mayLack: nil) == [])
    }

    @Test("are what the texts of long lists hold")
    func texts() async throws {
        var node = ScriptedNode()
        node.models.list = { ModelSummaryList([Self.fullSummary]) }
        var storage = ScriptedNode.storage
        storage.models = [Self.fullSummary]
        node.models.storing = { [storage] in storage }
        try await node.serve { client in
            let models: [ModelBody] = try await body(client, "/api/admin/models")
            #expect(try problems(with: models, at: "GET /api/admin/models") == [])
            let storage: StorageBody = try await body(client, "/api/admin/shard-storage")
            #expect(try problems(with: storage, at: "GET /api/admin/shard-storage", mayLack: ["in_vram"]) == [])
        }
    }

    @Test("are the list of users too, which is written as text")
    func users() async throws {
        try await ScriptedNode().serve { client in
            _ = try await client.send(
                .post, "/admin/api/users",
                ["username": "ada", "email": "a@b.c", "password": "correct horse battery", "tokens": 7])
            let list: UserListBody = try await body(client, "/admin/api/users")
            let user = try #require(list.users.first)
            #expect(try await body(client, "/admin/api/users/\(user.id)") == user)
            #expect(list.users.count == 1 && user.username == "ada" && user.tokens == 7)
        }
    }

    @Test("are told from others: a key too few, one too many, another type", arguments: ["less", "more", "other"])
    func faults(kind: String) throws {
        let user = try JSONValue(parsing: BodyCoding.encode(Self.user))
        var entries = user.entries.map { ($0.key, $0.value) }
        switch kind {
        case "less": entries.removeFirst()
        case "more": entries.append(("mail", "a"))
        default: entries[0].1 = .array([])
        }
        #expect(try !problems(with: JSONValue.object(entries), at: "GET /admin/api/users/{id}").isEmpty)
    }

    /// A model of which everything is told.
    private static let fullSummary = ModelSummary(
        id: "demo", name: "Demo", totalSizeBytes: 4 << 20,
        shards: [
            .init(
                index: 1, sizeBytes: 2 << 20, isLocal: false, isLoaded: false, holders: [ScriptedNode.id(2)],
                fetchers: [.init(node: ScriptedNode.id(3), percent: 5)])
        ], isCovered: true, hasHeader: true, origin: ScriptedNode.origin,
        projector: .init(isLocal: true, holders: [ScriptedNode.id(2)]), download: ScriptedNode.download)

    // MARK: Looking

    private func problems(
        with body: some Encodable, at operation: String, status: Int = 200,
        mayLack: Set<String>? = []
    ) throws -> [String] {
        let text = try BodyCoding.encode(body)
        return try problems(
            with: try JSONValue(parsing: text), at: operation, status: status,
            mayLack: mayLack)
    }

    private func problems(
        with value: JSONValue, at operation: String, status: Int = 200,
        mayLack: Set<String>? = []
    ) throws -> [String] {
        let contract = try Contract()
        var checker = SchemaChecker(document: contract.document)
        checker.mayLack = mayLack
        let schema = try #require(contract.schema(of: operation, status: status), "\(operation) answers no JSON")
        return checker.check(value, schema, at: "$")
    }

    private func body<Value: Decodable>(_ client: ContractClient, _ path: String) async throws -> Value {
        try BodyCoding.decode(Data(try await client.send(.get, path).text.utf8))
    }

    private func expectRoundTrip<Value: Codable & Hashable>(_ body: Value) throws {
        #expect(try BodyCoding.decode(Data(BodyCoding.encode(body).utf8), as: Value.self) == body)
    }
}
