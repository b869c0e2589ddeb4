internal import Bytes

/// One entry of the directory, and the member's own header, which must say the same.
struct ZipEntry {
    /// What both headers say of a member.
    private struct Shared: Equatable {
        var flags: UInt16
        var method: UInt16
        var time: UInt16
        var date: UInt16
        var nameBytes: [UInt8]
    }

    let start: UInt64
    let end: UInt64
    let name: String
    let localOffset: UInt64
    private let shared: Shared
    private let crc32: UInt32
    private let byteCount: UInt64

    /// Bit 3: sizes follow the data; bit 11: the name is UTF-8.
    private static let allowedFlags: UInt16 = 0x0808

    init(reading source: any ByteSource, at start: UInt64) throws {
        self.start = start
        var record = try ZipFields(reading: source, at: start, count: 46)
        guard record.four() == 0x0201_4B50 else {
            throw PickleError(.ambiguousArchive, "the directory has no entry here", at: start)
        }
        _ = [record.two(), record.two()]
        var shared = Shared(
            flags: record.two(), method: record.two(), time: record.two(), date: record.two(), nameBytes: [])
        crc32 = record.four()
        let sizes = [record.four(), record.four()]
        let lengths = [Int(record.two()), Int(record.two()), Int(record.two())]
        let disk = record.two()
        _ = record.two()
        _ = record.four()
        let offset = record.four()
        guard UInt64(lengths[0] + lengths[1]) <= source.byteCount - start - 46 else {
            throw PickleError(.truncated, "the directory ends inside an entry", at: start)
        }
        shared.nameBytes = try source.bytes(at: start + 46, count: lengths[0])
        let extra = try source.bytes(at: start + 46 + UInt64(lengths[0]), count: lengths[1])
        end = start + 46 + UInt64(lengths[0] + lengths[1])
        name = try Self.name(shared.nameBytes, at: start)
        guard disk == 0, lengths[2] == 0 else {
            throw PickleError(
                .ambiguousArchive, "an entry has a comment or lies on another disk", at: start, member: name)
        }
        guard shared.flags & ~Self.allowedFlags == 0 else {
            throw PickleError(
                .ambiguousArchive,
                "the flags are 0x\(String(shared.flags, radix: 16)): encrypted or of an unknown kind",
                at: start, member: name)
        }
        guard shared.method == 0 else {
            throw PickleError(
                .unsupported, "the member is compressed; save the checkpoint with torch.save, which stores", at: start,
                member: name)
        }
        let wide = try ZipExtra(extra, at: start).widened([sizes[1], sizes[0], offset], at: start)
        guard wide[0] == wide[1] else {
            throw PickleError(.ambiguousArchive, "a stored member has two sizes", at: start, member: name)
        }
        byteCount = wide[0]
        localOffset = wide[2]
        self.shared = shared
    }

    /// A relative path of plain ASCII parts.
    private static func name(_ bytes: [UInt8], at position: UInt64) throws -> String {
        let isPlain = bytes.allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: ":")
        }
        let name = String(decoding: bytes.map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard isPlain, bytes.count <= 512, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw PickleError(.malformed, "a member has a name that is no plain path", at: position, member: name)
        }
        return name
    }

    /// The member, whose header, bytes and what follows them reach exactly to `next`.
    func member(of source: any ByteSource, upTo next: UInt64) throws -> ZipArchive.Member {
        func ambiguous(_ what: String) -> PickleError {
            PickleError(.ambiguousArchive, what, at: localOffset, member: name)
        }
        guard localOffset <= next, next - localOffset >= 30 else { throw ambiguous("the member overlaps another") }
        var record = try ZipFields(reading: source, at: localOffset, count: 30)
        guard record.four() == 0x0403_4B50 else { throw ambiguous("there is no header where the directory says") }
        _ = record.two()
        var local = Shared(
            flags: record.two(), method: record.two(), time: record.two(), date: record.two(), nameBytes: [])
        let checksum = record.four()
        let sizes = [record.four(), record.four()]
        let nameLength = UInt64(record.two())
        let extraLength = UInt64(record.two())
        let room = next - localOffset - 30
        guard nameLength + extraLength <= room, byteCount <= room - nameLength - extraLength else {
            throw ambiguous("the member overlaps another")
        }
        local.nameBytes = try source.bytes(at: localOffset + 30, count: Int(nameLength))
        let extra = try ZipExtra(
            try source.bytes(at: localOffset + 30 + nameLength, count: Int(extraLength)), at: localOffset)
        guard local == shared else { throw ambiguous("the member's header and the directory disagree") }
        let followsData = local.flags & 0x0008 != 0
        if !(followsData && checksum == 0 && sizes == [0, 0] && extra.wide == nil) {
            guard checksum == crc32,
                try extra.widened([sizes[1], sizes[0]], at: localOffset) == [byteCount, byteCount]
            else { throw ambiguous("the member's header and the directory disagree") }
        }
        let dataStart = localOffset + 30 + nameLength + extraLength
        let dataEnd = dataStart + byteCount
        try checkDescriptor(at: dataEnd, count: next - dataEnd, isPromised: followsData, in: source)
        return ZipArchive.Member(name: name, range: dataStart..<dataEnd, crc32: crc32, headerOffset: localOffset)
    }

    /// What follows the data: the checksum and sizes once more where the flags promise them, and nothing else. PyTorch leaves
    /// them out after an empty member.
    private func checkDescriptor(at offset: UInt64, count: UInt64, isPromised: Bool, in source: any ByteSource) throws {
        func ambiguous() -> PickleError {
            PickleError(.ambiguousArchive, "something else stands after the member", at: offset, member: name)
        }
        if count == 0, !isPromised || byteCount == 0 { return }
        guard isPromised, count == 16 || count == 24 else { throw ambiguous() }
        var record = try ZipFields(reading: source, at: offset, count: Int(count))
        guard record.four() == 0x0807_4B50, record.four() == crc32 else { throw ambiguous() }
        let sizes =
            count == 16
            ? [UInt64(record.four()), UInt64(record.four())] : [record.eight(), record.eight()]
        guard sizes == [byteCount, byteCount] else { throw ambiguous() }
    }
}
