import Bytes
package import Identifiers

/// A window of a model as a GGUF file of its own, which is nowhere on disk.
///
/// The header is rewritten in memory: as many layers as the window has, numbered from 0. Tensor data is read from the
/// model's files at once when it is asked for. What libllama wants but a window does not use (such as the output
/// layer of a window that is not the last) is made up of zeros and takes no disk. The view is a `ByteSource`: reads
/// take no lock, and any number of threads may read.
package struct WindowView: ByteSource {
    package let layers: LayerRange
    /// Length of the virtual file, in bytes.
    package let byteCount: UInt64
    /// Bytes of the rewritten header, padding included; tensor data follows.
    package let headerBytes: Int
    /// The bytes of the model's files that the window reads besides their headers. They must be there: a hole of a
    /// sparse file reads as zeros.
    package let requiredRanges: [ByteRange]
    /// How the model may be cut, and what the engine must do for a window of it.
    package let rule: CutRule

    private let header: [UInt8]
    private let extents: [Extent]
    private let parts: [any ByteSource]

    /// Bytes of the virtual file that come from one place.
    private struct Extent: Sendable {
        let start: UInt64
        let length: UInt64
        let content: WindowHeader.Content
    }

    /// - Throws: `GGUFError` of code `badWindow` where the model may not be cut that way.
    package init(model: GGUFModel, layers: LayerRange) throws {
        let rule = CutTable.rule(for: model)
        guard rule.allows(layers, of: model.layerCount) else {
            throw GGUFError(
                .badWindow, Self.refusal(of: layers, model: model, rule: rule), path: model.parts[0].name)
        }
        let window = WindowHeader(model: model, layers: layers, rule: rule)
        let metadata = try window.metadata()
        let alignment = UInt64(try GGUFHeader.alignment(in: metadata))

        var placed: [GGUFTensor] = []
        var contents: [(offset: UInt64, length: UInt64, content: WindowHeader.Content)] = []
        var offset: UInt64 = 0
        for (tensor, content) in try window.tensors() {
            placed.append(
                try GGUFTensor(name: tensor.name, dimensions: tensor.dimensions, type: tensor.type, offset: offset))
            contents.append((offset, tensor.byteCount, content))
            let excess = tensor.byteCount % alignment
            offset += tensor.byteCount + (excess == 0 ? 0 : alignment - excess)
        }
        let header = try GGUFHeader.encode(metadata: metadata, tensors: placed)
        let dataOffset = UInt64(header.count)

        self.layers = layers
        self.rule = rule
        self.header = header
        self.headerBytes = header.count
        self.byteCount = dataOffset + offset
        self.parts = model.parts.map(\.source)
        self.extents = contents.map { Extent(start: dataOffset + $0.offset, length: $0.length, content: $0.content) }
        self.requiredRanges = ByteRange.joined(
            contents.compactMap { if case .range(let range) = $0.content { range } else { nil } })
    }

    private static func refusal(of layers: LayerRange, model: GGUFModel, rule: CutRule) -> String {
        guard layers.end <= model.layerCount else {
            return "layers \(layers) reach past the model's \(model.layerCount)"
        }
        if let reason = rule.wholeOnlyReason { return "the model cannot be cut: \(reason)" }
        if rule.forbiddenCounts.contains(layers.count) {
            return "libllama does not compute a window of \(layers.count) layers of \(model.architecture) as part of "
                + "this model; choose another length"
        }
        return "layers \(layers) are no window of \(model.architecture): cut at multiples of \(rule.alignment) layers"
    }

    /// Fills `buffer` from the virtual position `offset` on.
    /// - Returns: bytes read; fewer than asked for only at the end of the virtual file.
    /// - Throws: `GGUFError` where a file cannot be read or has become shorter.
    package func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard offset < byteCount else { return 0 }
        let count = Int(min(UInt64(buffer.count), byteCount - offset))
        var done = 0
        if offset < UInt64(headerBytes) {
            done = min(count, headerBytes - Int(offset))
            header.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: buffer[..<done])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(offset) + done]))
            }
        }
        var number = firstExtent(after: offset + UInt64(done))
        while done < count {
            let position = offset + UInt64(done)
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<count])
            guard number < extents.count, extents[number].start <= position else {
                // Padding before the next tensor, or after the last.
                let end = number < extents.count ? extents[number].start : byteCount
                let gap = Int(min(UInt64(rest.count), end - position))
                zero(rest, gap)
                done += gap
                continue
            }
            let extent = extents[number]
            let within = position - extent.start
            let length = Int(min(UInt64(rest.count), extent.length - within))
            try fill(UnsafeMutableRawBufferPointer(rebasing: rest[..<length]), from: extent.content, at: within)
            done += length
            if within + UInt64(length) == extent.length { number += 1 }
        }
        return count
    }

    /// The number of the first extent that ends after `position`.
    private func firstExtent(after position: UInt64) -> Int {
        var low = 0
        var high = extents.count
        while low < high {
            let middle = (low + high) / 2
            if extents[middle].start + extents[middle].length <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func zero(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int) {
        guard count > 0 else { return }
        buffer.baseAddress?.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    private func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from content: WindowHeader.Content, at offset: UInt64
    ) throws {
        switch content {
        case .zeros:
            zero(buffer, buffer.count)
        case .ones:
            withUnsafeBytes(of: Float(1).bitPattern.littleEndian) { pattern in
                for index in 0..<buffer.count { buffer[index] = pattern[Int((offset + UInt64(index)) % 4)] }
            }
        case .range(let range):
            let got = try GGUFError.naming {
                try parts[range.part].read(at: range.offset + offset, into: buffer)
            }
            guard got == buffer.count else {
                throw GGUFError(
                    .pastEnd, "part \(range.part) of the model became shorter while it was read; fetch it again",
                    at: range.offset + offset + UInt64(got))
            }
        }
    }
}
