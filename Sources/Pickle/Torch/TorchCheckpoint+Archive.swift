internal import Bytes

extension TorchCheckpoint {
    /// The members besides `data.pkl` and the storages that `torch.save` writes: short texts.
    private static let notes = [
        "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id",
    ]

    static func readArchive(
        _ source: any ByteSource, limits: PickleLimits
    ) throws -> (PickleSummary, [Range<UInt64>]) {
        let archive = try ZipArchive(reading: source)
        var pickle: ZipArchive.Member?
        var storages: [String: ZipArchive.Member] = [:]
        let root = archive.members[0].name.prefix { $0 != "/" }
        for member in archive.members {
            let parts = member.name.split(separator: "/", maxSplits: 1)
            guard parts.count == 2, parts[0] == root else {
                throw PickleError(
                    .malformed, "the members do not lie in one folder", at: member.headerOffset, member: member.name)
            }
            let name = String(parts[1])
            if name == "data.pkl" {
                pickle = member
            } else if name.hasPrefix("data/") {
                storages[String(name.dropFirst("data/".count))] = member
            } else if notes.contains(name) {
                try check(note: member, name: name, in: source)
            } else {
                // Whatever it is called, a pickle may be loaded by its name, so say what it is where that is clear.
                do {
                    try refuseHiddenPickle(member.range, in: source, anyStart: true)
                } catch let error as PickleError {
                    throw error.inMember(member.name)
                }
                throw PickleError(
                    .malformed, "torch.save writes no such member; save plain tensors with it", at: member.headerOffset,
                    member: member.name)
            }
        }
        guard let pickle else { throw PickleError(.malformed, "the archive has no data.pkl", at: 0) }
        try archive.checkSums(in: source)
        let summary: PickleSummary
        do {
            summary = try PickleSummary(
                reading: source, at: pickle.range.lowerBound, end: pickle.range.upperBound, limits: limits)
        } catch let error as PickleError {
            throw error.inMember(pickle.name)
        }
        guard summary.range == pickle.range else {
            throw PickleError(
                .malformed, "something follows the pickle", at: summary.range.upperBound, member: pickle.name)
        }
        return (summary, try ranges(of: summary.storages, in: storages, source: source))
    }

    private static func check(note: ZipArchive.Member, name: String, in source: any ByteSource) throws {
        guard note.range.count <= 64 else {
            throw PickleError(.malformed, "the member is too long", at: note.headerOffset, member: note.name)
        }
        let text = try source.bytes(at: note.range.lowerBound, count: note.range.count)
        let isRight =
            name == "byteorder"
            ? text.elementsEqual("little".utf8)
            : !text.isEmpty && text.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "\n") }
        guard isRight else {
            throw PickleError(
                .malformed,
                name == "byteorder" ? "only little-endian checkpoints are read" : "the member holds something else",
                at: note.range.lowerBound, member: note.name)
        }
    }

    /// Where each storage's bytes lie. Every member under `data/` is a storage of the size that the pickle states.
    private static func ranges(
        of storages: [PickleSummary.Storage], in members: [String: ZipArchive.Member], source: any ByteSource
    ) throws -> [Range<UInt64>] {
        var unused = members
        let ranges = try storages.map { storage in
            guard let member = unused.removeValue(forKey: storage.key) else {
                throw PickleError(.badStorage, "the archive has no data/\(storage.key)", at: 0)
            }
            guard UInt64(member.range.count) == storage.byteCount else {
                throw PickleError(
                    .badStorage, "the pickle says \(storage.byteCount) bytes, the archive \(member.range.count)",
                    at: member.headerOffset, member: member.name)
            }
            do {
                try refuseHiddenPickle(member.range, in: source)
            } catch let error as PickleError {
                throw error.inMember(member.name)
            }
            return member.range
        }
        if let member = unused.values.min(by: { $0.headerOffset < $1.headerOffset }) {
            throw PickleError(
                .malformed, "no tensor uses the member", at: member.headerOffset, member: member.name)
        }
        return ranges
    }
}
