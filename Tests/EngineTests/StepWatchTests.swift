import Foundation
import Testing

@testable import Engine

@Suite("The watch over steps and memory")
struct StepWatchTests {
    private func step(_ number: UInt64, _ kind: ComputeStep.Kind = .grammar) -> ComputeStep {
        ComputeStep(kind: kind, number: number, since: .now, session: nil, fail: nil)
    }

    @Test("A step that takes more than a second of processor time is found, whatever came before it")
    func overrun() {
        var watch = StepWatch()
        #expect(watch.look(at: step(1), processorSeconds: 100, weightBytes: 0) == nil)
        #expect(watch.look(at: step(2), processorSeconds: 200, weightBytes: 0) == nil)
        #expect(watch.look(at: step(2), processorSeconds: 201, weightBytes: 0) == nil)
        #expect(watch.look(at: step(2), processorSeconds: 201.01, weightBytes: 0)?.step.number == 2)
    }

    @Test("A thread that gets no processor overruns nothing, and one that was idle begins anew")
    func idle() {
        var watch = StepWatch()
        for _ in 0..<1000 { #expect(watch.look(at: step(1), processorSeconds: 5, weightBytes: 0) == nil) }
        #expect(watch.look(at: nil, processorSeconds: 5, weightBytes: 0) == nil)
        #expect(watch.look(at: step(1), processorSeconds: 50, weightBytes: 0) == nil)
    }

    @Test("A batch has a minute, and more where there is much to compute; embeddings have no limit")
    func limits() throws {
        #expect(StepWatch.limit(.layers(rows: 1), weightBytes: 0) == 60)
        let large = try #require(StepWatch.limit(.layers(rows: 512), weightBytes: 40 << 30))
        #expect(large > 20_000)
        #expect(StepWatch.limit(.embedding, weightBytes: 1) == nil)
        #expect(StepWatch.limit(.grammar, weightBytes: 40 << 30) == 1)
    }

    @Test("A process may have a quarter and half a gibibyte more than was reckoned")
    func memory() {
        let reckoning = MemoryReckoning(windows: 3 << 30, others: 1 << 30)
        #expect(reckoning.limitBytes == (5 << 30) + (512 << 20))
        #expect(!reckoning.isExceeded(by: reckoning.limitBytes))
        #expect(reckoning.isExceeded(by: reckoning.limitBytes + 1))
        #expect(MemoryReckoning().limitBytes == 512 << 20)
    }

    @Test("A window is reckoned with what its load mapped, but not with what drivers map in passing")
    func growth() {
        #expect(MemoryReckoning.window(weights: 100, cache: 50, growth: 10) == 150)
        #expect(MemoryReckoning.window(weights: 100, cache: 50, growth: 1000) == 1000)
        #expect(MemoryReckoning.window(weights: 1 << 30, cache: 0, growth: 1 << 40) == 6 << 30)
    }

    @Test("A window's thread says what it has taken, and that it is done")
    func thread() async throws {
        let chain = try WindowChain(path: DemoModel.path)
        _ = try await chain.run("Shoal is", maximumTokens: 4)
        let window = try #require(chain.windows.first)
        #expect(window.currentStep == nil)
        #expect(window.computeThread.number > 0)
        #if os(Linux)
            #expect(try #require(window.computeThread.processorSeconds) > 0)
        #endif
        let reckoning = try #require(chain.model.memoryReckoning)
        #expect(reckoning.windows >= window.weightBytes + window.cacheBytes)
        // That a process keeps to its reckoning is not for this one to say, which has all other tests' models too: every engine process
        // watches itself, and ends otherwise.
        let unloaded = try #require(chain.model.unload(window.layers))
        #expect(unloaded.bytes == window.weightBytes + window.cacheBytes)
        let end = ContinuousClock.now + .seconds(10)
        while !window.hasEnded, ContinuousClock.now < end { await Task.yield() }
        #expect(window.hasEnded)
        #expect(chain.model.runningWindows.isEmpty)
    }
}
