package import Bytes

/// A file that `torch.save` wrote, read without running any of it.
///
/// Two kinds are known, and everything else is refused: a zip archive (PyTorch 1.6 and later) with the pickle `data.pkl` and one
/// member for each storage, and the older row of pickles with the storages behind them. The pickles may name nothing but what
/// rebuilds plain tensors (`PickleGlobal`), every size they state is that of the data, no byte of the file is without a
/// meaning, and the file is nothing else besides (`SecondFormat`). Source: `torch/serialization.py` of PyTorch 2.13.
package struct TorchCheckpoint: Sendable {
    /// How the file is laid out.
    package enum Container: String, Sendable {
        case zip
        /// The row of pickles.
        case legacy
    }

    package let container: Container
    /// What the file's own pickle names and holds.
    package let summary: PickleSummary
    /// Where the bytes of each storage lie in the file, in the order of `summary.storages`.
    package let storageRanges: [Range<UInt64>]

    /// Reads and checks a whole file: its pickles, its layout, and in archives the checksum of every byte.
    /// - Throws: `PickleError`, or what `source` throws.
    package init(reading source: any ByteSource, limits: PickleLimits = .defaults) throws {
        try SecondFormat.refuseTar(in: source)
        let head = try source.bytes(at: 0, count: Int(min(source.byteCount, 4)))
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            container = .zip
            (summary, storageRanges) = try Self.readArchive(source, limits: limits)
        } else if head.first == PickleOpcode.proto.rawValue {
            container = .legacy
            (summary, storageRanges) = try Self.readStreams(source, limits: limits)
            try SecondFormat.refuseZip(in: source)
        } else {
            throw PickleError(.unsupported, "this is no file that torch.save writes", at: 0)
        }
    }

    /// Refuses bytes that begin as a pickle which soon names a function or class that is not on the list.
    ///
    /// PyTorch never unpickles a storage, so whatever is in one is what it should be, and this only spares other readers a
    /// surprise. Numbers can look like opcodes: a storage is looked into only where it begins with PROTO, of which about one in
    /// ten thousand random ones does, and is refused only for a name that could be one.
    ///
    /// - Parameter anyStart: whether it is looked into in any case, as what is no storage is.
    static func refuseHiddenPickle(
        _ range: Range<UInt64>, in source: any ByteSource, anyStart: Bool = false
    ) throws {
        var limits = PickleLimits.defaults
        limits.opcodes = 1000
        limits.work = 10_000
        limits.bytes = 64 << 10
        let start = try source.bytes(at: range.lowerBound, count: min(range.count, 2))
        guard anyStart || start.count == 2 && start[0] == PickleOpcode.proto.rawValue && (2...5).contains(start[1])
        else { return }
        do {
            _ = try PickleSummary(reading: source, at: range.lowerBound, end: range.upperBound, limits: limits)
        } catch let error as PickleError where error.code != .forbiddenGlobal {
            return
        }
    }
}
