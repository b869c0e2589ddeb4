extension GGUFHeader {
    /// Encodes a version 3 header, padded to the alignment, so that tensor data follows it at once.
    /// - Throws: `GGUFError` where an array's file can no longer be read, or the alignment is none.
    package static func encode(metadata: [Entry], tensors: [GGUFTensor]) throws -> [UInt8] {
        let alignment = try alignment(in: metadata)
        var encoder = GGUFEncoder()
        encoder.append(raw: magic)
        encoder.append(UInt32(3))
        encoder.append(UInt64(tensors.count))
        encoder.append(UInt64(metadata.count))
        for entry in metadata {
            encoder.append(entry.key)
            encoder.append(entry.value.type.rawValue)
            try encoder.append(entry.value)
        }
        for tensor in tensors {
            encoder.append(tensor.name)
            encoder.append(UInt32(tensor.dimensions.count))
            for length in tensor.dimensions { encoder.append(length) }
            encoder.append(tensor.type.rawValue)
            encoder.append(tensor.offset)
        }
        encoder.pad(to: alignment)
        return encoder.bytes
    }
}
