internal import GGUF

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
        small.opcodes = min(limits.opcodes, 1000)
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
        guard try next("system information", small).item("little_endian") == .bool(true) else {
            throw PickleError(.malformed, "the system information is missing or not little-endian", at: systemStart)
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
    /// The value of `key` where the pickle is a dictionary.
    func item(_ key: String) -> PickleValue? {
        guard case .dictionary(let place) = result else { return nil }
        let elements = heap[place]
        return elements.indices.last { $0.isMultiple(of: 2) && elements[$0].isText(key) }.map { elements[$0 + 1] }
    }

    /// The pickle as a list of texts; nil where it is something else.
    func texts() -> [String]? {
        guard case .list(let place) = result else { return nil }
        let texts = heap[place].compactMap { if case .text(let text) = $0 { text } else { nil } }
        return texts.count == heap[place].count ? texts : nil
    }
}
