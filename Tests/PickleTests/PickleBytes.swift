/// Pickles by hand: each member gives the bytes of one step.
enum P {
    static func proto(_ version: UInt8) -> [UInt8] { [0x80, version] }
    static func op(_ letters: String) -> [UInt8] { Array(letters.utf8) }
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func text(_ text: String) -> [UInt8] { sized(0x58, Array(text.utf8)) }
    static func bytes(_ bytes: [UInt8]) -> [UInt8] { sized(0x42, bytes) }
    static func short(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }
    static func put(_ place: UInt8) -> [UInt8] { [0x71, place] }
    static func get(_ place: UInt8) -> [UInt8] { [0x68, place] }
    static func eight(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    static func int(_ number: UInt8) -> [UInt8] { [0x4B, number] }
    static let memoize: [UInt8] = [0x94]
    static let stackGlobal: [UInt8] = [0x93]
    static let tuple1: [UInt8] = [0x85]
    static let tuple2: [UInt8] = [0x86]
    static let tuple3: [UInt8] = [0x87]
    static let no: [UInt8] = [0x89]
    static let stop: [UInt8] = [0x2E]

    private static func sized(_ opcode: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let count = UInt32(bytes.count)
        return [opcode] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + bytes
    }

    /// `('storage', torch.FloatStorage, key, 'cpu', count)` as a reference; a sixth element for legacy files.
    static func storage(_ key: String = "0", type: String = "FloatStorage", count: UInt8 = 6, isLegacy: Bool = false)
        -> [UInt8]
    {
        op("(") + text("storage") + global("torch", type) + text(key) + text("cpu") + int(count)
            + (isLegacy ? op("N") : []) + op("tQ")
    }

    static let hooks = global("collections", "OrderedDict") + op(")R")

    /// A float32 tensor of two rows of three.
    static func tensor(
        _ key: String = "0", offset: UInt8 = 0, shape: [UInt8] = [2, 3], strides: [UInt8] = [3, 1], count: UInt8 = 6,
        isLegacy: Bool = false
    ) -> [UInt8] {
        let sides = op("(") + shape.flatMap(int) + op("t")
        let steps = op("(") + strides.flatMap(int) + op("t")
        return global("torch._utils", "_rebuild_tensor_v2") + op("(")
            + storage(key, count: count, isLegacy: isLegacy) + int(offset) + sides + steps + no + hooks + op("tR")
    }

    /// A dictionary with one tensor, and what `extra` pushes as the value of another key.
    static func dictionary(_ extra: [UInt8] = [], isLegacy: Bool = false) -> [UInt8] {
        proto(2) + op("}") + text("w") + tensor(isLegacy: isLegacy) + op("s")
            + (extra.isEmpty ? [] : text("x") + extra + op("s")) + stop
    }

    /// What `torch.save` writes about the machine, without PROTO and STOP.
    static let system = system()

    static func system(endian: [UInt8] = [0x88], short: UInt8 = 2, extra: [UInt8] = []) -> [UInt8] {
        let sizes = op("}(") + text("short") + int(short) + text("int") + int(4) + text("long") + int(4) + op("u")
        return op("}(") + text("protocol_version") + version + text("little_endian") + endian + text("type_sizes")
            + sizes + extra + op("u")
    }

    private static let version: [UInt8] = [0x4D, 0xE9, 0x03]

    /// A legacy file with `object` as its fourth pickle and 24 bytes for the storage `0`.
    static func legacy(
        _ object: [UInt8], keys: [String] = ["0"], system: [UInt8]? = nil, tail: [UInt8]? = nil
    ) -> [UInt8] {
        let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let list = op("](") + keys.flatMap(text) + op("e")
        let pickles =
            [magic, version, system ?? self.system].map { proto(2) + $0 + stop } + [object, proto(2) + list + stop]
        return pickles.flatMap { $0 } + (tail ?? [6, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 24))
    }
}
