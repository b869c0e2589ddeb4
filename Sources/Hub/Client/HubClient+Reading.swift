package import NIOCore
import NIOHTTP1
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension HubClient {
    /// Takes bytes and where in the file they begin. The next ones are read when it has returned.
    package typealias Taker = @Sendable (ByteBuffer, UInt64) async throws -> Void

    /// Bytes that are read and dropped to reach a range, where a server answers the whole file instead.
    private static let maximumSkippedBytes: UInt64 = 8 << 20
    /// What a try must bring so that the count of failed ones starts anew.
    private static let leastProgressBytes: UInt64 = 64 << 10
    /// How often in a row the hub is asked for a new location that the file store takes.
    private static let maximumRenewals = 3

    /// Reads a range of a file, in order and each byte once, trying again from where it broke off.
    ///
    /// - Throws: `HubError`: `fileChanged` where the bytes would be of another state of the file than `file`; what `onBytes`
    ///   throws; `CancellationError`.
    package func read(_ file: HubFile, range: Range<UInt64>, onBytes: @escaping Taker) async throws {
        guard range.upperBound <= file.sizeBytes else {
            throw HubError(
                .sizeMismatch,
                "bytes up to \(range.upperBound) of \(file.path) of \(file.repository) are wanted, but it has \(file.sizeBytes); fetch its header again"
            )
        }
        let position = ReadPosition(range.lowerBound)
        var (failures, renewals) = (0, 0)
        while position.value < range.upperBound {
            let start = position.value
            do {
                try await attempt(file, position, until: range.upperBound, onBytes: onBytes)
                if position.value == start { throw Setback.odd("the file store sends nothing") }
            } catch let failure as TakerFailure {
                throw failure.error
            } catch let setback as Setback {
                try Task.checkCancellation()
                if position.value - start >= Self.leastProgressBytes { (failures, renewals) = (0, 0) }
                failures += 1
                if case .expired = setback, renewals < Self.maximumRenewals {
                    renewals += 1
                    try await renew(file)
                } else {
                    let what = "read \(file.path) of \(file.repository)"
                    try await pause(after: setback, failures: failures, doing: what)
                }
            }
        }
    }

    /// One request for what is left of a range. It may end early without an error where the server sent less.
    private func attempt(
        _ file: HubFile, _ position: ReadPosition, until end: UInt64, onBytes: @escaping Taker
    ) async throws {
        let place = locations.place(of: file)
        guard let url = URL(string: place.location) else {
            throw HubError(.badAnswer, "the hub names no address of \(file.path); check HF_ENDPOINT")
        }
        let start = position.value
        var headers = [("range", "bytes=\(start)-\(end - 1)")]
        if let condition = place.tag?.condition { headers.append(("if-range", condition)) }
        let answer = try await transport.follow(.GET, url, headers: headers)

        let body = try await accepted(answer, file: file, start: start, end: end)
        let seen = ReadPosition(body.lowerBound)
        try await transport.stream(answer) { chunk in
            var chunk = chunk
            let offset = seen.advance(UInt64(chunk.readableBytes))
            guard seen.value <= body.upperBound else {
                throw Setback.odd("the file store sends more bytes than it says")
            }
            if offset < start {
                chunk.moveReaderIndex(forwardBy: Int(min(start - offset, UInt64(chunk.readableBytes))))
            }
            let first = max(offset, start)
            guard first < end else { return false }
            if let wanted = chunk.readSlice(length: Int(min(end - first, UInt64(chunk.readableBytes)))),
                wanted.readableBytes > 0
            {
                do {
                    try await onBytes(wanted, first)
                } catch {
                    throw TakerFailure(error: error)
                }
                _ = position.advance(UInt64(wanted.readableBytes))
            }
            // At the end of the range one more look tells whether the body ends where it should.
            return seen.value < end || body.upperBound == end
        }
        guard seen.value >= min(body.upperBound, end) else {
            throw Setback.broken(ShortBody(description: "the answer ended early"))
        }
    }

    /// Which bytes of the file an answer brings, after all that it says about them was checked.
    ///
    /// - Throws: `HubError` or `Setback` for answers whose bytes must not be taken.
    private func accepted(
        _ answer: HubTransport.Answer, file: HubFile, start: UInt64, end: UInt64
    ) async throws -> Range<UInt64> {
        let length = answer.header("content-length").flatMap(UInt64.init)
        switch answer.status {
        case 206:
            guard let content = answer.header("content-range").flatMap(ContentRange.init) else {
                throw Setback.odd("the file store does not say which bytes it sends")
            }
            try note(answer, of: file)
            if let total = content.totalBytes, total != file.sizeBytes { throw await mismatch(file, total) }
            guard content.range.lowerBound == start, content.range.upperBound <= end else {
                throw Setback.odd("the file store sends other bytes than asked for")
            }
            if let length, length != content.range.upperBound - content.range.lowerBound {
                throw Setback.odd("the file store contradicts itself about how many bytes it sends")
            }
            return content.range
        case 200:
            try note(answer, of: file)
            if let length, length != file.sizeBytes { throw await mismatch(file, length) }
            guard start <= Self.maximumSkippedBytes else {
                throw HubError(
                    .badAnswer,
                    "\(answer.url.host ?? "the file store") sends all of \(file.path) instead of the range asked for; use another HF_ENDPOINT"
                )
            }
            return 0..<file.sizeBytes
        case 412:
            throw changed(file)
        case 416:
            let total = answer.header("content-range")?.split(separator: "/").last.flatMap { UInt64($0) }
            await transport.discard(answer)
            throw await mismatch(file, total)
        case 401, 403, 404, 410:
            guard !transport.isHub(answer.url) else { fallthrough }
            await transport.discard(answer)
            throw Setback.expired(answer.status)
        default:
            throw await refusal(answer, about: .file(file.path, file.repository, file.commit))
        }
    }

    /// Compares what the file store calls the file's state with what it called it before.
    private func note(_ answer: HubTransport.Answer, of file: HubFile) throws {
        guard let tag = answer.header("etag").flatMap(EntityTag.init) else { return }
        if locations.note(tag, of: file) != nil { throw changed(file) }
    }

    private func changed(_ file: HubFile) -> HubError {
        locations.noteChange(of: file)
        return HubError(
            .fileChanged,
            "\(file.path) of \(file.repository) changed on the hub while it was read; look it up again and start over")
    }

    /// The error for a file that is not as long as the hub said.
    private func mismatch(_ file: HubFile, _ total: UInt64?) async -> any Error {
        do {
            try await renew(file)
        } catch {
            return error
        }
        let found = total.map { "has \($0) bytes" } ?? "is shorter"
        return HubError(
            .sizeMismatch,
            "\(file.path) of \(file.repository) \(found) in the file store, but \(file.sizeBytes) on the hub; fetch another file, or try later"
        )
    }

    /// Asks the hub for a new location of the same state of the file.
    ///
    /// - Throws: `HubError` of code `fileChanged` where there is another state now.
    private func renew(_ file: HubFile) async throws {
        let fresh = try await lookUp(file.repository, file.path, revision: file.commit)
        guard fresh.isSameState(as: file) else { throw changed(file) }
        locations.move(file, to: fresh.location)
    }
}

/// How far a range has been read. Written by one task at a time.
final class ReadPosition: Sendable {
    private let state: Mutex<UInt64>

    init(_ value: UInt64) { state = Mutex(value) }

    var value: UInt64 { state.withLock { $0 } }

    /// Moves on; answers where it was.
    func advance(_ bytes: UInt64) -> UInt64 {
        state.withLock { value in
            defer { value += bytes }
            return value
        }
    }
}

/// What the taker of bytes threw, told apart from faults of the hub.
private struct TakerFailure: Error {
    let error: any Error
}
