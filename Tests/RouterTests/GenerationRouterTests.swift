import Generation
import Identifiers
import Router
import Testing

@Suite("Which back end answers")
struct GenerationRouterTests {
    /// Says which it is, by the message of its error.
    private struct Backend: GenerationBackend {
        let name: String
        var ready = BackendReadiness.unready
        var models: [AvailableModel] = []

        func readiness(for model: String, _ work: GenerationWork) -> BackendReadiness { ready }

        func generate(_ request: GenerationRequest) async throws -> GenerationStream {
            throw InferenceError(.unsupported, name)
        }

        func embed(_ request: EmbeddingRequest) async throws -> [EmbeddingResult] {
            throw InferenceError(.unsupported, name)
        }

        func availableModels() -> [AvailableModel] { models }
    }

    private static func model(_ id: String, isCovered: Bool, name: String) -> AvailableModel {
        AvailableModel(
            id: id, name: name, createdUnixSeconds: 0, architecture: "llama", layerCount: 1, shardCount: 1,
            totalBytes: 1, contextLength: nil, isCovered: isCovered, missingLayers: [], heldShards: [], holders: [],
            loadedWindows: [])
    }

    @Test(
        "The readiest does, and of equally ready ones the first",
        arguments: [
            ([.ready, .ready, .ready], "0"), ([.unready, .ready, .ready], "1"), ([.unready, .unready, .ready], "2"),
            ([.unready, .away, .ready], "2"), ([.unready, .away, .away], "1"), ([.away, .away, .unready], "0"),
            ([.unready, .unready, .unready], "0"), ([.ready, .away, .unready], "0"), ([.unready], "0"),
        ] as [([BackendReadiness], String)])
    func choice(readiness: [BackendReadiness], name: String) async throws {
        let backends = readiness.enumerated().map { Backend(name: "\($0)", ready: $1) }
        let router: GenerationRouter =
            switch backends.count {
            case 1: GenerationRouter(backends[0])
            default: GenerationRouter(backends[0], backends[1], backends[2])
            }
        let generation = await #expect(throws: InferenceError.self) {
            try await router.generate(GenerationRequest(model: "m", prompt: .text("x")))
        }
        #expect(generation?.message == name)
        let embedding = await #expect(throws: InferenceError.self) {
            try await router.embed(EmbeddingRequest(model: "m", inputs: []))
        }
        #expect(embedding?.message == name)
        #expect(await router.readiness(for: "m", .generation) == readiness.max())
    }

    @Test("Of a model the first tells that can run it")
    func models() async {
        let swarm = Backend(
            name: "swarm",
            models: [
                Self.model("a", isCovered: true, name: "swarm"), Self.model("b", isCovered: false, name: "swarm"),
                Self.model("d", isCovered: false, name: "swarm"),
            ])
        let workers = Backend(
            name: "workers", models: ["a", "b", "c"].map { Self.model($0, isCovered: true, name: "workers") })
        let models = await GenerationRouter(swarm, workers).availableModels()
        #expect(models.map(\.id) == ["a", "b", "c", "d"])
        #expect(models.map(\.name) == ["swarm", "workers", "workers", "swarm"])
    }
}
