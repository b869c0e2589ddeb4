package import Bytes

extension GGUFHeader {
    /// Reads the header at the beginning of `source`.
    ///
    /// Only the header's own bytes are read, so a sparse file of which nothing else is there will do.
    /// - Throws: `GGUFError` that names the field and the byte offset.
    package init(reading source: any ByteSource) throws {
        var cursor = GGUFCursor(source: source)
        let version = try Self.readVersion(&cursor)

        let countsAt = cursor.offset
        let tensorCount = try cursor.integer(UInt64.self, field: "tensor count")
        let entryCount = try cursor.integer(UInt64.self, field: "metadata count")
        // The least bytes that one takes: name length, one byte of name, and what follows.
        guard tensorCount <= cursor.remaining / 33 else {
            throw GGUFError(
                .pastEnd, "the header claims \(tensorCount) tensors where \(cursor.remaining) bytes are left",
                field: "tensor count", at: countsAt)
        }
        guard entryCount <= cursor.remaining / 14 else {
            throw GGUFError(
                .pastEnd, "the header claims \(entryCount) metadata keys where \(cursor.remaining) bytes are left",
                field: "metadata count", at: countsAt + 8)
        }

        let metadata = try Self.readMetadata(&cursor, count: Int(entryCount))
        let alignment = try Self.alignment(in: metadata)
        let (tensors, positions) = try Self.readTensors(&cursor, count: Int(tensorCount))
        let excess = cursor.offset % UInt64(alignment)
        let dataOffset = excess == 0 ? cursor.offset : cursor.offset + UInt64(alignment) - excess
        try Self.checkLayout(
            tensors, positions: positions, dataOffset: dataOffset, alignment: alignment, fileBytes: source.byteCount)

        self.init(
            version: version, metadata: metadata, tensors: tensors, dataOffset: dataOffset, alignment: alignment)
    }

    private static func readVersion(_ cursor: inout GGUFCursor) throws -> UInt32 {
        var magic: [UInt8] = []
        for _ in 0..<4 { magic.append(try cursor.integer(UInt8.self, field: "magic")) }
        guard magic == Self.magic else {
            throw GGUFError(
                .notGGUF, "the file does not begin with \"GGUF\"; name a GGUF model file", field: "magic", at: 0)
        }
        let version = try cursor.integer(UInt32.self, field: "version")
        guard version == 2 || version == 3 else {
            let swapped = version.byteSwapped
            let what =
                swapped == 2 || swapped == 3
                ? "the version is byte-swapped, so the file is big-endian; convert it to little-endian"
                : "GGUF version \(version) is unknown; versions 2 and 3 can be read"
            throw GGUFError(.unsupportedVersion, what, field: "version", at: 4)
        }
        return version
    }

    private static func readMetadata(_ cursor: inout GGUFCursor, count: Int) throws -> [Entry] {
        var metadata: [Entry] = []
        var keys: Set<String> = []
        for number in 0..<count {
            let position = cursor.offset
            let key = try cursor.name(field: "key of metadata \(number)")
            guard keys.insert(key).inserted else {
                throw GGUFError(.duplicate, "the metadata key \(key) comes twice", field: key, at: position)
            }
            let type = try cursor.valueType(field: key)
            metadata.append(Entry(key: key, value: try cursor.value(of: type, field: key, depth: 0)))
        }
        return metadata
    }

    static func alignment(in metadata: [Entry]) throws -> Int {
        guard let value = metadata.first(where: { $0.key == alignmentKey })?.value else { return defaultAlignment }
        guard case .uint32(let alignment) = value, alignment.nonzeroBitCount == 1, alignment <= 1 << 20 else {
            throw GGUFError(
                .malformed, "\(alignmentKey) is \(value); it must be a power of two up to 1048576",
                field: alignmentKey)
        }
        return Int(alignment)
    }

    private static func readTensors(
        _ cursor: inout GGUFCursor, count: Int
    ) throws -> (tensors: [GGUFTensor], positions: [UInt64]) {
        var tensors: [GGUFTensor] = []
        var positions: [UInt64] = []
        var names: Set<String> = []
        for number in 0..<count {
            let position = cursor.offset
            let name = try cursor.name(field: "name of tensor \(number)")
            guard names.insert(name).inserted else {
                throw GGUFError(.duplicate, "the tensor \(name) comes twice", field: name, at: position)
            }
            let dimensionCount = try cursor.integer(UInt32.self, field: name)
            guard dimensionCount >= 1, dimensionCount <= GGUFTensor.maximumDimensions else {
                throw GGUFError(
                    .badDimensions, "tensor \(name) has \(dimensionCount) dimensions instead of 1 to 4", field: name,
                    at: cursor.offset - 4)
            }
            var dimensions: [UInt64] = []
            for _ in 0..<dimensionCount { dimensions.append(try cursor.integer(field: name)) }
            let typeNumber = try cursor.integer(UInt32.self, field: name)
            guard let type = TensorType(rawValue: typeNumber) else {
                throw GGUFError(
                    .unsupportedTensorType, "tensor \(name) has the unknown type \(typeNumber)", field: name,
                    at: cursor.offset - 4)
            }
            let offset = try cursor.integer(UInt64.self, field: name)
            do {
                tensors.append(try GGUFTensor(name: name, dimensions: dimensions, type: type, offset: offset))
            } catch let error as GGUFError {
                throw GGUFError(error.code, error.message, field: name, at: position)
            }
            positions.append(position)
        }
        return (tensors, positions)
    }

    /// Every tensor aligned, inside the file, and apart from all others.
    private static func checkLayout(
        _ tensors: [GGUFTensor], positions: [UInt64], dataOffset: UInt64, alignment: Int, fileBytes: UInt64
    ) throws {
        let room = fileBytes >= dataOffset ? fileBytes - dataOffset : 0
        for (tensor, position) in zip(tensors, positions) {
            guard tensor.offset % UInt64(alignment) == 0 else {
                throw GGUFError(
                    .badLayout, "tensor \(tensor.name) starts at \(tensor.offset), no multiple of \(alignment)",
                    field: tensor.name, at: position)
            }
            guard tensor.offset <= room, tensor.byteCount <= room - tensor.offset else {
                throw GGUFError(
                    .pastEnd,
                    "tensor \(tensor.name) reaches to byte \(tensor.offset) + \(tensor.byteCount) of \(room) bytes of "
                        + "data; fetch the file again", field: tensor.name, at: position)
            }
        }
        var end: UInt64 = 0
        for number in tensors.indices.sorted(by: { tensors[$0].offset < tensors[$1].offset }) {
            let tensor = tensors[number]
            guard tensor.offset >= end else {
                throw GGUFError(
                    .badLayout, "tensor \(tensor.name) overlaps the one before it", field: tensor.name,
                    at: positions[number])
            }
            end = tensor.offset + tensor.byteCount
        }
    }
}
