import Bytes
import Pickle
import ShoalTestSupport
import Testing

@Suite("Reading pickles")
struct PickleTests {
    @Test("What could run something, or is not understood, is refused by its kind", arguments: HostilePickle.all)
    func hostile(_ pickle: HostilePickle) throws {
        let error = #expect(throws: PickleError.self) { try PickleSummary(reading: MemorySource(pickle.bytes)) }
        #expect(error?.code == pickle.code, "\(error?.description ?? "")")
    }

    @Test("A dictionary with a tensor tells its names, shapes, storages and globals")
    func dictionary() throws {
        let bytes = P.dictionary(P.op("}") + P.text("deep") + P.tensor(offset: 3, shape: [3], strides: [1]) + P.op("s"))
        let summary = try PickleSummary(reading: MemorySource(bytes))
        #expect(summary.range == 0..<UInt64(bytes.count))
        #expect(summary.protocolVersion == 2)
        #expect(
            summary.globals.map(\.description).sorted() == [
                "collections.OrderedDict", "torch.FloatStorage", "torch._utils._rebuild_tensor_v2",
            ])
        #expect(summary.storages.map(\.key) == ["0"])
        #expect(summary.storages.map(\.byteCount) == [24])
        #expect(summary.storages.map(\.location) == ["cpu"])
        #expect(try summary.namedTensors().map(\.name) == ["w", "x.deep"])
        #expect(try summary.namedTensors().map(\.tensor.shape) == [[2, 3], [3]])
        #expect(summary.tensors.map(\.offset) == [0, 3])
    }

    @Test("What follows STOP belongs to the caller")
    func following() throws {
        let first = P.proto(2) + P.op("N.")
        let bytes = first + P.dictionary()
        let source = MemorySource(bytes)
        let one = try PickleSummary(reading: source)
        #expect(one.range == 0..<UInt64(first.count))
        let two = try PickleSummary(reading: source, at: one.range.upperBound)
        #expect(two.range == UInt64(first.count)..<UInt64(bytes.count))
    }

    @Test(
        "Harmless values of every protocol are taken",
        arguments: [
            "I01\n.", "I-12\n.", "L12345678901234567890L\n.", "F1.5\n.", "S'text'\n.", "S'te\\'xt'\n.",
            "Vt\\u00e9xt\n.",
            "(lp0\nI1\na.", "(dp0\nS'a'\nI1\ns.", "(I1\nI2\nt.", "N(0.", "N20.", "(NN1N.",
            "ccollections\nOrderedDict\n(tR.", "ctorch\nSize\n((I1\nI2\nttR.", "ctorch\ndevice\n(S'cuda'\nI0\ntR.",
            "ccollections\nOrderedDict\n((l(S'a'\nI1\nlatR.", "ctorch\nfloat16\n.",
        ])
    func harmless(_ text: String) throws {
        let summary = try PickleSummary(reading: MemorySource(Array(text.utf8)))
        #expect(summary.range.upperBound == UInt64(text.utf8.count))
    }

    @Test("More than the limits allow is refused")
    func limits() throws {
        var limits = PickleLimits.defaults
        limits.opcodes = 20
        limits.memoEntries = 3
        limits.stackValues = 5
        limits.bytes = 100
        func code(_ bytes: [UInt8]) -> PickleError.Code? {
            do {
                _ = try PickleSummary(reading: MemorySource(bytes), limits: limits)
                return nil
            } catch { return (error as? PickleError)?.code }
        }
        #expect(code(P.op("(NNNN1N.")) == nil)
        #expect(code(P.op("(NNNNNN1N.")) == .tooLarge)
        #expect(code((0..<3).flatMap { P.op("N") + P.put($0) + P.op("0") } + P.op("N.")) == nil)
        #expect(code(P.op("N") + P.put(3) + P.stop) == .tooLarge)
        #expect(code((0..<4).flatMap { P.op("N") + P.put($0) + P.op("0") } + P.op("N.")) == .tooLarge)
        #expect(code(P.op(String(repeating: "N0", count: 12) + "N.")) == .tooLarge)
        #expect(code(P.text(String(repeating: "a", count: 90)) + P.stop) == nil)
        #expect(code(P.text(String(repeating: "a", count: 200)) + P.stop) == .tooLarge)
    }

    @Test("Every opcode that Python has is known, and no other")
    func opcodes() {
        // The 68 codes of pickletools in CPython 3.13.
        let codes = Array("IJKMLSTUBCNVXFG]ael)t}dsu02(1ghjpqrcRbio.PQ".utf8) + [UInt8](0x80...0x98)
        #expect(Set(PickleOpcode.allCases.map(\.rawValue)) == Set(codes))
        #expect(PickleOpcode.allCases.count == 68)
    }

    @Test("Damaged pickles give a summary that is true or a typed error", arguments: [1, 2, 3, 4] as [UInt64])
    func fuzz(_ seed: UInt64) throws {
        var mutator = Mutator(generator: SeededRandom(seed: seed))
        let originals = [
            P.dictionary(P.op("](") + P.int(1) + P.text("a") + P.op("e")),
            P.proto(4) + P.short("collections") + P.memoize + P.short("OrderedDict") + P.memoize + P.stackGlobal
                + P.op(")R")
                + P.memoize + P.op("(") + P.short("k") + P.tensor() + P.op("u}") + P.text("_metadata") + P.hooks
                + P.op("sb."),
        ]
        var accepted = 0
        for round in 0..<20_000 {
            let bytes = mutator.damaged(originals[round % 2])
            do {
                let summary = try PickleSummary(reading: MemorySource(bytes))
                accepted += 1
                #expect(summary.range.upperBound <= UInt64(bytes.count), "seed \(seed)")
                for tensor in summary.tensors where !tensor.shape.contains(0) {
                    let storage = summary.storages[tensor.storage]
                    let last = zip(tensor.shape, tensor.strides).reduce(tensor.offset) { $0 + ($1.0 - 1) * $1.1 }
                    #expect((last + 1) * tensor.elementType.byteCount <= storage.byteCount, "seed \(seed)")
                }
            } catch is PickleError {
                continue
            }
        }
        #expect((200..<19_000).contains(accepted), "seed \(seed)")
    }
}
