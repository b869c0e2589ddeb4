/// The pickles that a legacy checkpoint begins with: magic number, protocol version, system information.
enum TorchBytes {
    static let beginning: [UInt8] = {
        func text(_ text: String) -> [UInt8] { [0x58, UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }
        let proto: [UInt8] = [0x80, 2]
        let version: [UInt8] = [0x4D, 0xE9, 0x03]
        let sizes = Array("}(".utf8) + text("short") + [0x4B, 2] + text("int") + [0x4B, 4] + text("long") + [0x4B, 4]
        let system =
            Array("}(".utf8) + text("protocol_version") + version + text("little_endian") + [0x88] + text("type_sizes")
            + sizes + Array("uu".utf8)
        return proto + [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E] + proto + version
            + [0x2E]
            + proto + system + [0x2E]
    }()
}
