package import Bytes

/// A zip archive that can be read in only one way.
///
/// Readers differ in what they do with archives whose parts disagree: one believes the directory at the end, another the headers
/// before the members; one skips what stands before the first member, another does not. So this one wants an archive without a
/// gap: the members, each stored without compression, end to end from byte 0, then the directory that lists exactly them, then
/// the end record and nothing more, with every field that is written twice the same in both places. That is how PyTorch writes
/// its checkpoints. Source: PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5.
package struct ZipArchive: Sendable {
    package struct Member: Hashable, Sendable {
        package let name: String
        /// Where its bytes lie in the file.
        package let range: Range<UInt64>
        package let crc32: UInt32
        /// Where its header begins.
        let headerOffset: UInt64
    }

    /// The members in the order of their bytes.
    package let members: [Member]

    /// Reads the directory and every member's header. The members' bytes are not read: see `checkSums`.
    /// - Throws: `PickleError`, or what `source` throws.
    package init(reading source: any ByteSource, maximumMembers: Int = 1 << 16) throws {
        let end = try ZipEnd(reading: source)
        guard end.memberCount <= UInt64(maximumMembers) else {
            throw PickleError(.tooLarge, "the archive has \(end.memberCount) members", at: end.directory.upperBound)
        }
        var entries: [ZipEntry] = []
        var offset = end.directory.lowerBound
        for _ in 0..<end.memberCount {
            let entry = try ZipEntry(reading: source, at: offset)
            offset = entry.end
            guard offset <= end.directory.upperBound else {
                throw PickleError(.ambiguousArchive, "the directory is longer than it says", at: entry.start)
            }
            entries.append(entry)
        }
        guard offset == end.directory.upperBound else {
            throw PickleError(.ambiguousArchive, "the directory has other entries than it says", at: offset)
        }
        entries.sort { $0.localOffset < $1.localOffset }
        var names: Set<String> = []
        var members: [Member] = []
        for (index, entry) in entries.enumerated() {
            // PyTorch's own reader takes names of another case as the same.
            guard names.insert(entry.name.lowercased()).inserted else {
                throw PickleError(.ambiguousArchive, "a name comes twice", at: entry.start, member: entry.name)
            }
            let start = index == 0 ? 0 : entry.localOffset
            let next = index + 1 < entries.count ? entries[index + 1].localOffset : end.directory.lowerBound
            guard entry.localOffset == start else {
                throw PickleError(.ambiguousArchive, "something stands before the first member", at: 0)
            }
            members.append(try entry.member(of: source, upTo: next))
        }
        guard !members.isEmpty else { throw PickleError(.malformed, "the archive has no members", at: 0) }
        self.members = members
    }

    /// Reads every member and compares its checksum.
    package func checkSums(in source: any ByteSource) throws {
        for member in members {
            guard try CRC32.of(member.range, in: source) == member.crc32 else {
                throw PickleError(
                    .ambiguousArchive, "the checksum is wrong; save the file again", at: member.headerOffset,
                    member: member.name)
            }
        }
    }
}

/// The end record, with its 64-bit form where there is one.
private struct ZipEnd {
    let memberCount: UInt64
    let directory: Range<UInt64>

    init(reading source: any ByteSource) throws {
        guard source.byteCount >= 22 else {
            throw PickleError(.truncated, "the archive is shorter than an end record", at: 0)
        }
        let position = source.byteCount - 22
        var record = try ZipFields(reading: source, at: position, count: 22)
        guard record.four() == 0x0605_4B50 else {
            throw PickleError(.ambiguousArchive, "the archive does not end with its end record", at: position)
        }
        let disks = [record.two(), record.two()]
        let counts = [record.two(), record.two()]
        let size = record.four()
        let offset = record.four()
        guard record.two() == 0, disks == [0, 0], counts[0] == counts[1] else {
            throw PickleError(.ambiguousArchive, "the end record names other disks or has a comment", at: position)
        }
        let directoryEnd: UInt64
        if let wide = try Self.wide(before: position, in: source) {
            func agrees(_ short: UInt64, _ limit: UInt64, _ long: UInt64) -> Bool { short == long || short == limit }
            guard agrees(UInt64(counts[0]), 0xFFFF, wide.count), agrees(UInt64(size), 0xFFFF_FFFF, wide.size),
                agrees(UInt64(offset), 0xFFFF_FFFF, wide.offset)
            else { throw PickleError(.ambiguousArchive, "the two end records disagree", at: position) }
            (memberCount, directoryEnd) = (wide.count, wide.position)
            directory = try Self.range(wide.offset, wide.size, end: directoryEnd)
        } else {
            (memberCount, directoryEnd) = (UInt64(counts[0]), position)
            directory = try Self.range(UInt64(offset), UInt64(size), end: directoryEnd)
        }
    }

    private static func range(_ offset: UInt64, _ size: UInt64, end: UInt64) throws -> Range<UInt64> {
        let (sum, overflow) = offset.addingReportingOverflow(size)
        guard !overflow, sum == end else {
            throw PickleError(
                .ambiguousArchive, "the directory is said to lie at \(offset), \(size) bytes long, but ends at \(end)",
                at: end)
        }
        return offset..<sum
    }

    /// The 64-bit end record, which a locator right before the other one points to.
    private static func wide(
        before position: UInt64, in source: any ByteSource
    ) throws -> (count: UInt64, size: UInt64, offset: UInt64, position: UInt64)? {
        guard position >= 76 else { return nil }
        var locator = try ZipFields(reading: source, at: position - 20, count: 20)
        guard locator.four() == 0x0706_4B50 else { return nil }
        let disk = locator.four()
        let start = locator.eight()
        guard disk == 0, locator.four() <= 1, start == position - 76 else {
            throw PickleError(.ambiguousArchive, "the 64-bit end record is not where it belongs", at: position - 20)
        }
        var record = try ZipFields(reading: source, at: start, count: 56)
        guard record.four() == 0x0606_4B50, record.eight() == 44 else {
            throw PickleError(.ambiguousArchive, "the 64-bit end record is not where it belongs", at: start)
        }
        _ = [record.two(), record.two()]
        let disks = [record.four(), record.four()]
        let counts = [record.eight(), record.eight()]
        guard disks == [0, 0], counts[0] == counts[1] else {
            throw PickleError(.ambiguousArchive, "the end record names other disks", at: start)
        }
        return (counts[0], record.eight(), record.eight(), start)
    }
}
