/// A key, compared byte by byte: Swift's own comparison takes some texts as equal that differ. It shares the text's storage.
private struct ByteName: Hashable {
    let text: String

    static func == (left: ByteName, right: ByteName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// Reads the JSON of a header into entries, one after the other; nothing of the text is kept but what they need.
struct HeaderReader {
    /// A tensor as the header states it, unchecked against the file.
    struct Entry {
        let name: String
        let type: SafetensorsType
        let shape: [UInt64]
        let begin: UInt64
        let end: UInt64
        /// Where its name stands in the file.
        let position: UInt64
    }

    private var text: JSONText
    private let limits: SafetensorsHeader.Limits
    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]

    init(text: JSONText, limits: SafetensorsHeader.Limits) {
        self.text = text
        self.limits = limits
    }

    mutating func read() throws {
        var text = self.text
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        guard try text.peek() == UInt8(ascii: "{") else {
            throw SafetensorsError(.malformed, "the header does not begin with '{'", at: text.offset)
        }
        var names: Set<ByteName> = []
        var nameRoom = limits.allNameBytes
        var numberRoom = limits.allDimensions
        try text.members(keyBytes: limits.nameBytes) { text, key, position in
            let name = String(decoding: key, as: UTF8.self)
            nameRoom -= key.count
            guard nameRoom >= 0 else {
                throw SafetensorsError(
                    .tooLarge, "the tensors' names have more than \(limits.allNameBytes) bytes", at: position)
            }
            guard names.insert(ByteName(text: name)).inserted else {
                throw SafetensorsError(.duplicate, "the key \(name) comes twice", field: name, at: position)
            }
            if name == "__metadata__" {
                metadata = try Self.metadata(&text, limits: limits)
                return
            }
            guard !key.isEmpty, !key.contains(0) else {
                throw SafetensorsError(.malformed, "a tensor's name is empty or has a NUL", field: name, at: position)
            }
            guard entries.count < limits.tensors else {
                throw SafetensorsError(.tooLarge, "there are more than \(limits.tensors) tensors", at: position)
            }
            let entry = try Self.entry(&text, name: name, position: position, limits: limits)
            numberRoom -= entry.shape.count
            guard numberRoom >= 0 else {
                throw SafetensorsError(
                    .tooLarge, "the tensors have more than \(limits.allDimensions) dimensions in all", at: position)
            }
            entries.append(entry)
        }
        try text.skipSpace()
        guard try text.peek() == nil else {
            throw SafetensorsError(.malformed, "something follows the header's closing '}'", at: text.offset)
        }
        self.text = text
        self.entries = entries
        self.metadata = metadata
    }

    private static func metadata(
        _ text: inout JSONText, limits: SafetensorsHeader.Limits
    ) throws -> [String: String] {
        var metadata: [String: String] = [:]
        var keys: Set<ByteName> = []
        var room = limits.metadataBytes
        try text.members(keyBytes: limits.metadataBytes) { text, key, position in
            let name = String(decoding: key, as: UTF8.self)
            guard keys.insert(ByteName(text: name)).inserted else {
                throw SafetensorsError(.duplicate, "the metadata key \(name) comes twice", field: name, at: position)
            }
            room -= key.count
            guard keys.count <= limits.metadataEntries, room >= 0 else {
                throw SafetensorsError(
                    .tooLarge,
                    "the metadata are more than \(limits.metadataEntries) keys or \(limits.metadataBytes) bytes",
                    at: position)
            }
            guard try text.peek() == UInt8(ascii: "\"") else {
                throw SafetensorsError(.malformed, "the metadata \(name) is no text", field: name, at: text.offset)
            }
            let value = try text.string(maximumBytes: room)
            room -= value.count
            metadata[name] = String(decoding: value, as: UTF8.self)
        }
        return metadata
    }

    private static func entry(
        _ text: inout JSONText, name: String, position: UInt64, limits: SafetensorsHeader.Limits
    ) throws -> Entry {
        var type: SafetensorsType?
        var shape: [UInt64]?
        var offsets: [UInt64]?
        try text.members(keyBytes: 64) { text, key, position in
            let field = String(decoding: key, as: UTF8.self)
            func once(_ isFirst: Bool) throws {
                guard isFirst else {
                    throw SafetensorsError(
                        .duplicate, "the tensor \(name) has \(field) twice", field: name, at: position)
                }
            }
            switch field {
            case "dtype":
                try once(type == nil)
                let place = text.offset
                let word = String(decoding: try text.string(maximumBytes: 64), as: UTF8.self)
                type = SafetensorsType(rawValue: word)
                guard type != nil else {
                    throw SafetensorsError(
                        .unknownType, "the tensor \(name) has the unknown type \(word)", field: name, at: place)
                }
            case "shape":
                try once(shape == nil)
                shape = try text.numbers(maximumCount: limits.dimensions)
            case "data_offsets":
                try once(offsets == nil)
                offsets = try text.numbers(maximumCount: 2)
            default:
                throw SafetensorsError(
                    .malformed, "the tensor \(name) has the unknown key \(field)", field: name, at: position)
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw SafetensorsError(
                .malformed, "the tensor \(name) needs dtype, shape and two data_offsets", field: name, at: position)
        }
        return Entry(
            name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1], position: position)
    }
}
