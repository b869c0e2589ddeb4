import Bytes
import GGUF
import Identifiers
import ShoalTestSupport
import Testing

@testable import Engine

/// What allows a model to be cut: a chain of windows computes what the whole model does, to the last bit.
@Suite("Exactness of windows")
struct ExactnessTests {
    private static let promptLength = 30
    private static let decodeSteps = 5

    private static func model(_ architecture: SyntheticArchitecture) throws -> GGUFModel {
        try GGUFModel(sources: [(architecture.label, MemorySource(try architecture.encoded()))])
    }

    /// Cuts `model` into `count` windows as even as its rule allows; nil where it cannot be.
    private static func windows(of model: GGUFModel, count: Int) -> [LayerRange]? {
        let rule = CutTable.rule(for: model)
        let cuts = (0...model.layerCount).filter { $0 % rule.alignment == 0 || $0 == model.layerCount }
        /// Ways to reach `end` with `count` windows, the one with the smallest largest window first.
        func split(to end: Int, _ count: Int) -> [LayerRange]? {
            if count == 1 {
                return LayerRange(first: 0, end: end).flatMap { rule.allows($0, of: model.layerCount) ? [$0] : nil }
            }
            var best: [LayerRange]?
            for cut in cuts where cut > 0 && cut < end {
                guard let last = LayerRange(first: cut, end: end), rule.allows(last, of: model.layerCount),
                    let before = split(to: cut, count - 1)
                else { continue }
                let windows = before + [last]
                if windows.map(\.count).max() ?? 0 <= best?.map(\.count).max() ?? .max { best = windows }
            }
            return best
        }
        return split(to: model.layerCount, count)
    }

    @Test("two and three windows give the whole model's logits", arguments: SyntheticArchitecture.cuttable)
    func chainsAreExact(_ architecture: SyntheticArchitecture) throws {
        let model = try Self.model(architecture)
        let rule = CutTable.rule(for: model)
        #expect(rule.wholeOnlyReason == nil)
        var generator = SeededRandom(seed: 7)
        let tokens = (0..<Self.promptLength + Self.decodeSteps).map { _ in
            Int32.random(in: 0..<Int32(model.vocabularySize ?? 1), using: &generator)
        }
        func run(_ chain: ContextChain) throws -> [[UInt32]] {
            var steps = [try chain.logits(of: Array(tokens[..<Self.promptLength]), from: 0)]
            for position in Self.promptLength..<tokens.count {
                steps.append(try chain.logits(of: [tokens[position]], from: position))
            }
            return steps
        }

        let whole = try run(ContextChain(model: model, windows: [model.allLayers]))
        // A model whose logits are all alike would make any chain exact.
        #expect(Set(whole[0]).count > whole[0].count / 2)
        for count in [2, 3] {
            let windows = try #require(Self.windows(of: model, count: count))
            let chain = try run(ContextChain(model: model, windows: windows))
            let text = windows.map(\.description).joined(separator: ", ")
            for (step, (expected, found)) in zip(whole, chain).enumerated() {
                #expect(expected == found, "windows \(text), step \(step)")
            }
        }
    }

    @Test("every architecture that may be cut is verified here")
    func everyArchitectureIsVerified() throws {
        let verified = try Set(SyntheticArchitecture.cuttable.map { try Self.model($0).architecture })
        #expect(Set(CutTable.names) == verified)
    }

    @Test(
        "a window off the alignment is refused",
        arguments: SyntheticArchitecture.cuttable.filter { ["smollm3", "llama4"].contains($0.label) })
    func misalignedWindowsAreRefused(_ architecture: SyntheticArchitecture) throws {
        let model = try Self.model(architecture)
        let alignment = CutTable.rule(for: model).alignment
        #expect(alignment == 4)
        for cut in 1..<model.layerCount where cut % alignment != 0 {
            let first = try #require(LayerRange(first: 0, end: cut))
            let last = try #require(LayerRange(first: cut, end: model.layerCount))
            for layers in [first, last] {
                #expect { try WindowView(model: model, layers: layers) } throws: { error in
                    (error as? GGUFError)?.code == .badWindow
                }
            }
        }
    }

    @Test("a window that might have no sliding-window layer is refused")
    func windowsWithoutSlidingLayerAreRefused() throws {
        let gptOSS = try #require(SyntheticArchitecture.cuttable.first { $0.label == "gpt-oss" })
        let model = try Self.model(gptOSS)
        let single = try #require(LayerRange(first: 3, end: 4))
        #expect(throws: GGUFError.self) { try WindowView(model: model, layers: single) }
    }

    @Test("an architecture that is not in the table runs whole")
    func unknownArchitecturesRunWhole() throws {
        var synthetic = SyntheticModel(architecture: "mamba", layerCount: 4)
        try synthetic.embeddings(tied: true)
        let model = try GGUFModel(sources: [("mamba", MemorySource(try synthetic.writer.encoded()))])
        let rule = CutTable.rule(for: model)
        #expect(rule.wholeOnlyReason?.contains("mamba") == true)
        let half = try #require(LayerRange(first: 0, end: 2))
        #expect(!rule.allows(half, of: 4))
        #expect(rule.allows(model.allLayers, of: 4))
        #expect(throws: GGUFError.self) { try WindowView(model: model, layers: half) }
    }
}
