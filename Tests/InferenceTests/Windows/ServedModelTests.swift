import GGUF
import Identifiers
import Inference
import Testing

struct ServedModelTests {
    private func model(trained: Int, cut: PlanningSnapshot.Cut = .aligned(2, forbiddenCounts: [6])) -> ServedModel {
        ServedModel(
            id: "m", name: "M", paths: [], layerCount: 8, cut: cut,
            layerBytes: [100, 1, 1, 1, 1, 1, 1, 200], cacheBytesPerCellAndLayer: 10, trainedContextLength: trained,
            manifestHash: [])
    }

    @Test(arguments: [(512, 512, 8192), (4096, 4096, 8192), (100_000, 8192, 8192), (0, 8192, 8192)])
    func `sessions are as long as trained and configured, and windows have room for several`(
        trained: Int, session: Int, cells: Int
    ) {
        let settings = InferenceSettings(socketDirectory: "/tmp")
        #expect(model(trained: trained).contextLength(settings) == session)
        #expect(model(trained: trained).cacheCells(settings) == cells)
    }

    @Test func `a window's bytes are its weights and its cache`() throws {
        var settings = InferenceSettings(socketDirectory: "/tmp")
        settings.cacheCells = 5
        let layers = try #require(LayerRange(first: 0, end: 2))
        #expect(model(trained: 512).windowBytes(layers, settings) == 101 + 10 * 2 * 5)
    }

    @Test func `windows keep to the cuts that the model allows`() throws {
        func allows(_ first: Int, _ end: Int, _ cut: PlanningSnapshot.Cut = .aligned(2, forbiddenCounts: [6])) throws
            -> Bool
        {
            model(trained: 0, cut: cut).allows(try #require(LayerRange(first: first, end: end)))
        }
        #expect(try allows(0, 8) && allows(2, 4) && allows(4, 8))
        #expect(try !allows(0, 3) && !allows(1, 4) && !allows(2, 8))
        #expect(try allows(0, 8, .wholeOnly(reason: "odd")) && !allows(0, 4, .wholeOnly(reason: "odd")))
    }
}

struct LatencyTests {
    @Test func `percentiles are those of the nearest rank`() throws {
        #expect(InferenceStatistics.Latency(samples: []) == nil)
        let latency = try #require(InferenceStatistics.Latency(samples: (1...100).map(Double.init).shuffled()))
        #expect(latency.p50 == 50 && latency.p95 == 95 && latency.p99 == 99)
        #expect(latency.minimum == 1 && latency.maximum == 100 && latency.average == 50.5)
        #expect(InferenceStatistics.Latency(samples: [7])?.p99 == 7)
    }
}
