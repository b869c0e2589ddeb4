package import Bytes

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Collects metadata and tensors and writes them as a GGUF version 3 file, or as several parts.
package struct GGUFWriter: Sendable {
    /// Metadata in the order it is written.
    package private(set) var metadata: [GGUFHeader.Entry] = []
    private var tensors: [(tensor: GGUFTensor, data: any ByteSource)] = []

    package init() {}

    /// Sets a metadata key, in place of what it was set to before.
    package mutating func set(_ key: String, to value: GGUFValue) {
        let entry = GGUFHeader.Entry(key: key, value: value)
        if let position = metadata.firstIndex(where: { $0.key == key }) {
            metadata[position] = entry
        } else {
            metadata.append(entry)
        }
    }

    /// Adds a tensor after those added before.
    /// - Parameter dimensions: fastest-running first.
    /// - Throws: `GGUFError` where the dimensions do not suit the type, or the data has another length than they ask.
    package mutating func add(
        tensor name: String, dimensions: [UInt64], type: TensorType, data: any ByteSource
    ) throws {
        let tensor = try GGUFTensor(name: name, dimensions: dimensions, type: type, offset: 0)
        guard tensor.byteCount == data.byteCount else {
            throw GGUFError(
                .badDimensions, "tensor \(name) needs \(tensor.byteCount) bytes, \(data.byteCount) were given",
                field: name)
        }
        tensors.append((tensor, data))
    }

    /// Adds a tensor of f32 numbers.
    package mutating func add(tensor name: String, dimensions: [UInt64], values: [Float]) throws {
        var encoder = GGUFEncoder()
        for value in values { encoder.append(value.bitPattern) }
        try add(tensor: name, dimensions: dimensions, type: .f32, data: MemorySource(encoder.bytes))
    }

    /// The whole file in memory.
    package func encoded() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try write(metadata: metadata, tensors: tensors[...]) { bytes += $0 }
        return bytes
    }

    /// Writes one file.
    /// - Throws: `GGUFError` of code `unwritable`, or what reading a tensor's data throws.
    package func write(to path: String) throws {
        try write(metadata: metadata, tensors: tensors[...], to: path)
    }

    /// Writes `count` files that share the tensors evenly, in order. All metadata is in the first one.
    /// - Returns: their paths, `prefix-00001-of-0000N.gguf`.
    package func write(parts count: Int, prefix: String) throws -> [String] {
        guard count > 1 else {
            let path = "\(prefix).gguf"
            try write(to: path)
            return [path]
        }
        return try (0..<count).map { part in
            let path = PartName.path(prefix: prefix, part: part, count: count)
            let start = tensors.count * part / count
            let end = tensors.count * (part + 1) / count
            let split = [
                GGUFHeader.Entry(key: "split.no", value: .uint16(UInt16(part))),
                GGUFHeader.Entry(key: "split.count", value: .uint16(UInt16(count))),
                GGUFHeader.Entry(key: "split.tensors.count", value: .int32(Int32(tensors.count))),
            ]
            let alignment = metadata.filter { part > 0 && $0.key == GGUFHeader.alignmentKey }
            try write(
                metadata: (part == 0 ? metadata : alignment) + split, tensors: tensors[start..<end], to: path)
            return path
        }
    }

    private func write(
        metadata: [GGUFHeader.Entry], tensors: ArraySlice<(tensor: GGUFTensor, data: any ByteSource)>, to path: String
    ) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        func fault() -> GGUFError {
            GGUFError(.unwritable, "cannot be written: \(String(cString: strerror(errno)))", path: path)
        }
        guard descriptor >= 0 else { throw fault() }
        defer { close(descriptor) }
        try write(metadata: metadata, tensors: tensors) { bytes in
            try bytes.withUnsafeBytes { raw in
                var done = 0
                while done < raw.count {
                    #if canImport(Darwin)
                        let count = Darwin.write(descriptor, raw.baseAddress! + done, raw.count - done)
                    #elseif canImport(Glibc)
                        let count = Glibc.write(descriptor, raw.baseAddress! + done, raw.count - done)
                    #else
                        let count = Musl.write(descriptor, raw.baseAddress! + done, raw.count - done)
                    #endif
                    if count >= 0 { done += count } else if errno != EINTR { throw fault() }
                }
            }
        }
    }

    private func write(
        metadata: [GGUFHeader.Entry], tensors: ArraySlice<(tensor: GGUFTensor, data: any ByteSource)>,
        emit: ([UInt8]) throws -> Void
    ) throws {
        let alignment = UInt64(try GGUFHeader.alignment(in: metadata))
        var table: [GGUFTensor] = []
        var offset: UInt64 = 0
        for (tensor, _) in tensors {
            table.append(
                try GGUFTensor(name: tensor.name, dimensions: tensor.dimensions, type: tensor.type, offset: offset))
            offset = (offset + tensor.byteCount + alignment - 1) / alignment * alignment
        }
        try emit(try GGUFHeader.encode(metadata: metadata, tensors: table))
        for (_, data) in tensors {
            var done: UInt64 = 0
            while done < data.byteCount {
                let count = Int(min(data.byteCount - done, 1 << 20))
                try emit(try data.bytes(at: done, count: count))
                done += UInt64(count)
            }
            let excess = data.byteCount % alignment
            if excess > 0 { try emit([UInt8](repeating: 0, count: Int(alignment - excess))) }
        }
    }
}
