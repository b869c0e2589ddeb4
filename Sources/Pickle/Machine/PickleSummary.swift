package import Bytes

/// What one pickle names and holds, found without building any of it.
package struct PickleSummary: Sendable {
    /// A storage that the pickle refers to: bytes that lie elsewhere in the file.
    package struct Storage: Hashable, Sendable {
        package let key: String
        package let elementType: TorchElementType
        package let elementCount: UInt64
        /// The device it was on, as `cpu` or `cuda:0`.
        package let location: String

        package var byteCount: UInt64 { elementType.byteCount * elementCount }
    }

    /// A tensor that the pickle rebuilds. Its elements lie inside its storage.
    package struct Tensor: Hashable, Sendable {
        /// Place of its storage in `storages`.
        package let storage: Int
        package let elementType: TorchElementType
        /// Its first element in the storage, in elements.
        package let offset: UInt64
        package let shape: [UInt64]
        package let strides: [UInt64]
    }

    /// The pickle's bytes in the file, from its first opcode to its STOP.
    package let range: Range<UInt64>
    /// The protocol that it states; 0 where it states none.
    package let protocolVersion: UInt8
    /// Every function and class that it names.
    package let globals: Set<PickleGlobal>
    package let storages: [Storage]
    package let tensors: [Tensor]
    let result: PickleValue
    let heap: PickleHeap

    /// Reads the pickle that begins at `offset` of `source`, up to its STOP.
    ///
    /// - Parameter end: where the bytes end that may belong to it; the end of the source otherwise.
    /// - Throws: `PickleError` for whatever is not understood or not on the list of `PickleGlobal`.
    package init(
        reading source: any ByteSource, at offset: UInt64 = 0, end: UInt64? = nil, limits: PickleLimits = .defaults
    ) throws {
        let end = min(end ?? source.byteCount, source.byteCount)
        guard offset < end else { throw PickleError(.truncated, "no pickle begins here", at: offset) }
        let limited = min(end, offset.addingReportingOverflow(limits.bytes).partialValue)
        var machine = PickleMachine(
            cursor: PickleCursor(source: source, range: offset..<max(offset, limited)), limits: limits)
        do {
            result = try machine.run()
        } catch let error as PickleError where error.code == .truncated && limited < end {
            throw PickleError(.tooLarge, "the pickle is longer than \(limits.bytes) bytes", at: offset)
        }
        range = offset..<machine.cursor.offset
        protocolVersion = machine.protocolVersion ?? 0
        globals = machine.globals
        storages = machine.storages
        tensors = machine.tensors
        heap = machine.heap
    }
}

extension PickleSummary {
    /// A tensor with the keys that lead to it, joined by dots.
    package struct NamedTensor: Hashable, Sendable {
        package let name: String
        package let tensor: Tensor
    }

    /// The tensors in the dictionaries of the result, in their order.
    /// - Throws: `PickleError` of code `tooLarge` where dictionaries lie many times in one another.
    package func namedTensors() throws -> [NamedTensor] {
        var found: [NamedTensor] = []
        var visits = 0
        func visit(_ value: PickleValue, _ path: String, depth: Int) throws {
            // A long name costs as much as many visits.
            visits += 1 + path.utf8.count / 16
            guard visits <= 1_000_000, depth <= 16 else {
                throw PickleError(.tooLarge, "the dictionaries are nested too deep or too often", at: range.lowerBound)
            }
            switch value {
            case .tensor(let place): found.append(NamedTensor(name: path, tensor: tensors[place]))
            case .dictionary(let place), .orderedDictionary(let place):
                let elements = heap[place]
                for index in stride(from: 0, to: elements.count - 1, by: 2) {
                    guard case .text(let key) = elements[index] else { continue }
                    try visit(elements[index + 1], path.isEmpty ? key : "\(path).\(key)", depth: depth + 1)
                }
            default: break
            }
        }
        try visit(result, "", depth: 0)
        return found
    }
}
