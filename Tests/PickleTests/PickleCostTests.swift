import Bytes
import Pickle
import Testing

/// Small pickles that would take much time or memory here, or of whoever loads them.
@Suite("What pickles cost")
struct PickleCostTests {
    private static func repeated(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
        Array(repeatElement(bytes, count: count).joined())
    }

    private static func value(_ name: String, _ code: PickleError.Code, _ body: [UInt8]) -> HostilePickle {
        HostilePickle(name, code, P.proto(2) + body)
    }

    /// A tensor's arguments, remembered at 1, with the function at 0 on the stack.
    private static func tensorArguments(shape: [UInt8], strides: [UInt8]) -> [UInt8] {
        P.global("torch._utils", "_rebuild_tensor_v2") + P.put(0) + P.op("(") + P.storage(count: 1) + P.int(0)
            + P.op("(") + shape + P.op("t(") + strides + P.op("t") + P.no + P.hooks + P.op("t") + P.put(1)
    }

    private static let pair = P.int(1) + P.op("N") + P.tuple2 + P.put(1) + P.op("0")
    private static let huge = [0x8A, 8] + P.eight(1 << 60)
    private static let encode =
        P.global("_codecs", "encode") + P.put(0) + P.op("0") + P.text(String(repeating: "a", count: 200_000))
        + P.text("latin1") + P.tuple2 + P.put(1) + P.op("0")

    static let pickles: [HostilePickle] = [
        value(
            "a dictionary of 50,000 items as the state of an object again and again", .tooLarge,
            P.hooks + P.put(0) + P.text("a") + P.put(1) + P.op("0}") + P.put(2) + P.op("(")
                + repeated(50_000, P.get(1) + P.op("N")) + P.op("u0")
                + repeated(12_000, P.get(0) + P.get(2) + P.op("b0"))
                + P.op("}.")),
        value(
            "a list of 20,000 pairs made a dictionary again and again", .tooLarge,
            P.global("collections", "OrderedDict") + P.put(0) + P.op("0") + pair + P.op("]") + P.put(2) + P.op("(")
                + repeated(20_000, P.get(1)) + P.op("e0") + P.get(2) + P.tuple1 + P.put(3) + P.op("0")
                + repeated(4000, P.get(0) + P.get(3) + P.op("R0")) + P.op("}.")),
        value(
            "a tensor of 64 dimensions again and again", .tooLarge,
            tensorArguments(shape: repeated(64, P.int(1)), strides: repeated(64, P.int(0)))
                + repeated(100_000, P.get(0) + P.get(1) + P.op("R0")) + P.op("R.")),
        value(
            "a size of 60 numbers again and again", .tooLarge,
            P.global("torch", "Size") + P.put(0) + P.op("(") + repeated(60, P.int(1)) + P.op("t") + P.tuple1 + P.put(1)
                + repeated(100_000, P.get(0) + P.get(1) + P.op("R0")) + P.op("R.")),
        value("half a million empty sets", .tooLarge, P.op("(") + repeated(450_000, [0x8F]) + P.op("l.")),
        value("a memo entry far off", .tooLarge, P.op("}r") + [0xFF, 0xFF, 0xFF, 0x7F] + P.stop),
        value("a memo entry far off in digits", .tooLarge, P.op("}p9000000000000000000\n.")),
        value("a memo entry one too high", .tooLarge, P.op("}p500000\n.")),
        value(
            "100,000 tuples in one another as a key", .tooLarge, P.op("})") + repeated(100_000, P.tuple1) + P.op("Ns.")),
        value("tuples in one another as a key", .malformed, P.op("}") + P.int(1) + P.tuple1 + P.tuple1 + P.op("Ns.")),
        value("a long tuple as a key", .malformed, P.op("}(") + repeated(33, P.int(1)) + P.op("tNs.")),
        value("bytes as a key", .malformed, P.op("}") + P.bytes([1]) + P.op("Ns.")),
        value(
            "a number of a megabyte as a key", .malformed,
            P.op("}") + [0x8B, 0, 0, 16, 0] + repeated(1 << 20, [1]) + P.op("Ns.")),
        value(
            "tuples in one another in a set", .malformed,
            [0x8F] + P.op("(") + P.int(1) + P.tuple1 + P.tuple1 + [0x90] + P.stop),
        value("a list in a frozen set", .malformed, P.op("(]") + [0x91] + P.stop),
        value("129 tuples in one another", .tooLarge, P.op(")") + repeated(128, P.tuple1) + P.stop),
        value("129 lists in one another", .tooLarge, repeated(129, P.op("]")) + repeated(128, P.op("a")) + P.stop),
        value(
            "129 dictionaries in one another", .tooLarge,
            repeated(128, P.op("}N")) + P.op("}") + repeated(128, P.op("s")) + P.stop),
        value(
            "states in one another", .tooLarge,
            repeated(200, P.hooks + P.op("}") + P.text("a")) + P.op("N") + repeated(200, P.op("sb")) + P.stop),
        value("a list in itself", .malformed, P.op("]") + P.put(0) + P.get(0) + P.op("a.")),
        value("a dictionary in itself", .malformed, P.op("}") + P.put(0) + P.text("a") + P.get(0) + P.op("s.")),
        value("a list that grows where it lies", .malformed, P.op("]") + P.put(0) + P.tuple1 + P.get(0) + P.op("]a0.")),
        value(
            "an object in its own state", .malformed,
            P.hooks + P.put(0) + P.op("}") + P.text("a") + P.get(0) + P.op("sb.")),
        value(
            "a text made bytes again and again", .tooLarge,
            encode + P.op("](") + repeated(200, P.get(0) + P.get(1) + P.op("R")) + P.op("e.")),
        value(
            "one number as a tensor of 2⁶⁰", .tooLarge,
            tensorArguments(shape: huge, strides: P.int(0)) + P.op("R.")),
        value(
            "one number as a tensor of 2¹²⁰", .tooLarge,
            tensorArguments(shape: huge + huge, strides: P.int(0) + P.int(0)) + P.op("R.")),
        value(
            "one number as many tensors of a thousand each", .tooLarge,
            tensorArguments(shape: [0x4D, 0xE8, 3], strides: P.int(0))
                + repeated(1000, P.get(0) + P.get(1) + P.op("R0")) + P.op("R.")),
    ]

    @Test("What is small and costs much is refused by its kind", arguments: pickles)
    func costs(_ pickle: HostilePickle) throws {
        let error = #expect(throws: PickleError.self) { try PickleSummary(reading: MemorySource(pickle.bytes)) }
        #expect(error?.code == pickle.code, "\(error?.description ?? "")")
    }

    @Test("What costs about what its bytes say is taken")
    func harmless() throws {
        let texts = (0..<200).flatMap {
            P.get(0) + P.text("\($0)" + String(repeating: "a", count: 2000)) + P.text("latin1") + P.tuple2 + P.op("R")
        }
        let pickles: [[UInt8]] = [
            P.op(")") + Self.repeated(127, P.tuple1) + P.stop,
            Self.repeated(128, P.op("]")) + Self.repeated(127, P.op("a")) + P.stop,
            P.op("}p499999\n."),
            P.op("}") + P.int(1) + P.text("a") + P.tuple2 + P.op("Ns") + P.op("NNs") + P.op("G") + P.eight(0)
                + P.op("Ns."),
            [0x8F] + P.op("(") + P.int(1) + P.int(2) + [0x90] + P.stop,
            P.op("]") + P.put(0) + P.get(0) + P.get(0) + P.tuple3 + P.stop,
            P.global("_codecs", "encode") + P.put(0) + P.op("0](") + texts + P.op("e."),
            Self.tensorArguments(shape: P.int(3), strides: P.int(0)) + P.op("R."),
        ]
        for (number, pickle) in pickles.enumerated() {
            let bytes = P.proto(2) + pickle
            #expect(throws: Never.self, "pickle \(number)") { try PickleSummary(reading: MemorySource(bytes)) }
        }
    }

    @Test(
        "A number with a 0 before it, which is read in two ways, is refused",
        arguments: ["I010", "I-010", "I000", "I02", "L010L"])
    func octal(_ line: String) throws {
        let error = #expect(throws: PickleError.self) { try PickleSummary(reading: MemorySource(P.op(line + "\n."))) }
        #expect(error?.code == .malformed)
    }

    @Test(
        "0, false, true and numbers with a 0 inside are taken", arguments: ["I0", "I00", "I01", "I100", "I-5", "L0L"])
    func zeros(_ line: String) throws {
        #expect(throws: Never.self) { try PickleSummary(reading: MemorySource(P.op(line + "\n."))) }
    }

    @Test("Twenty thousand tensors, as a large checkpoint has, are no cost")
    func large() throws {
        var bytes = P.proto(2) + P.op("}(")
        for number in 0..<20_000 { bytes += P.text("layer.\(number).weight") + P.tensor("\(number)") }
        let summary = try PickleSummary(reading: MemorySource(bytes + P.op("u.")))
        #expect(try summary.namedTensors().count == 20_000)
    }
}
