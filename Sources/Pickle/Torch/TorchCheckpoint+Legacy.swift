internal import Bytes

extension TorchCheckpoint {
    /// Reads the five pickles of the older kind, one after the other, and the storages behind them:
    ///
    ///     the magic number · protocol version 1001 · system information · the object · the list of storage keys
    ///     for each key: the number of elements in 8 bytes, and the elements
    static func readStreams(
        _ source: any ByteSource, limits: PickleLimits
    ) throws -> (PickleSummary, [Range<UInt64>]) {
        var offset: UInt64 = 0
        var small = limits
        small.opcodes = min(limits.opcodes, 100)
        small.bytes = min(limits.bytes, 512)
        func next(_ what: String, _ limits: PickleLimits, namesNothing: Bool = true) throws -> PickleSummary {
            let start = offset
            let pickle = try PickleSummary(reading: source, at: start, limits: limits)
            guard !namesNothing || pickle.globals.isEmpty else {
                throw PickleError(.forbiddenGlobal, "the \(what) names \(pickle.globals.first!)", at: start)
            }
            offset = pickle.range.upperBound
            return pickle
        }
        guard try next("magic number", small).result == .magic else {
            throw PickleError(.unsupported, "the pickle does not begin with PyTorch's magic number", at: 0)
        }
        let versionStart = offset
        guard try next("protocol version", small).result == .integer(1001) else {
            throw PickleError(.unsupported, "the protocol version is not 1001", at: versionStart)
        }
        let systemStart = offset
        guard try next("system information", small).isLittleEndianSystem else {
            throw PickleError(
                .malformed, "the system information is not that of a little-endian machine as torch.save writes it",
                at: systemStart)
        }
        let summary = try next("object", limits, namesNothing: false)
        let keysStart = offset
        let keys = try next("list of storages", limits).texts()
        var places: [String: Int] = [:]
        for (place, storage) in summary.storages.enumerated() { places[storage.key] = place }
        var ranges = [Range<UInt64>?](repeating: nil, count: summary.storages.count)
        for key in keys ?? [] {
            guard let place = places[key], ranges[place] == nil else {
                throw PickleError(.badStorage, "the storage \(key) is listed twice or used by no tensor", at: keysStart)
            }
            ranges[place] = try storage(summary.storages[place], at: offset, in: source)
            offset = ranges[place]!.upperBound
            try refuseHiddenPickle(ranges[place]!, in: source)
        }
        guard keys != nil, !ranges.contains(nil) else {
            throw PickleError(
                .badStorage, "the list of storages is not the list of those that tensors use", at: keysStart)
        }
        guard offset == source.byteCount else {
            throw PickleError(.malformed, "something follows the last storage", at: offset)
        }
        return (summary, ranges.compactMap { $0 })
    }

    /// The bytes of the storage whose element count stands at `offset`.
    private static func storage(
        _ storage: PickleSummary.Storage, at offset: UInt64, in source: any ByteSource
    ) throws -> Range<UInt64> {
        guard source.byteCount - offset >= 8, source.byteCount - offset - 8 >= storage.byteCount else {
            throw PickleError(.truncated, "the file ends inside the storage \(storage.key)", at: offset)
        }
        let count = try source.bytes(at: offset, count: 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        guard count == storage.elementCount else {
            throw PickleError(
                .badStorage,
                "the storage \(storage.key) has \(count) elements where the pickle says \(storage.elementCount)",
                at: offset)
        }
        return offset + 8..<offset + 8 + storage.byteCount
    }
}

extension PickleSummary {
    /// Whether the pickle is what `torch.save` says of a little-endian machine, and nothing else:
    /// `{"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4 or 8}}`.
    var isLittleEndianSystem: Bool {
        guard let system = items(of: result), system.count == 3, system["protocol_version"] == .integer(1001),
            system["little_endian"] == .bool(true), let sizes = system["type_sizes"].flatMap(items)
        else { return false }
        return sizes.count == 3 && sizes["short"] == .integer(2) && sizes["int"] == .integer(4)
            && [.integer(4), .integer(8)].contains(sizes["long"])
    }

    /// The items of a dictionary whose keys are texts, none of them twice; nil for anything else.
    private func items(of value: PickleValue) -> [String: PickleValue]? {
        guard case .dictionary(let place) = value else { return nil }
        let elements = heap[place]
        var items: [String: PickleValue] = [:]
        for place in stride(from: 0, to: elements.count - 1, by: 2) {
            guard case .text(let key) = elements[place], items.updateValue(elements[place + 1], forKey: key) == nil
            else { return nil }
        }
        return items
    }

    /// The pickle as a list of texts; nil where it is something else.
    func texts() -> [String]? {
        guard case .list(let place) = result else { return nil }
        let texts = heap[place].compactMap { if case .text(let text) = $0 { text } else { nil } }
        return texts.count == heap[place].count ? texts : nil
    }
}
