import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Takes a `multipart/form-data` body apart while it comes (RFC 7578, RFC 2046 section 5.1.1).
///
///     var parser = MultipartParser(boundary: try MultipartBoundary(contentType: header))
///     for try await var buffer in body {
///         while let event = try parser.next(in: &buffer) { … }
///     }
///     try parser.finish()
///
/// A pure state machine: it takes pieces of any size and gives the same events however the body was cut, apart from where content
/// is cut. Content is handed on as slices of the pieces; what is kept between them is at most a part's headers.
///
/// Lines end in CRLF and nothing else. A delimiter may be followed by blanks (“transport padding”); what comes before the first
/// and after the last one is ignored.
struct MultipartParser: Sendable {
    struct Limits: Hashable, Sendable {
        /// Bytes of one part's headers.
        var headerBytes = 16 << 10
        var parts = 32
        /// Blanks behind a delimiter.
        var paddingBytes = 256
    }

    enum Event: Hashable, Sendable {
        /// A part begins.
        case part(MultipartPart)
        /// Bytes of its content, in order. Never empty.
        case content(ByteBuffer)
        /// It has ended.
        case partEnd
    }

    private enum State: Hashable, Sendable {
        /// In what is ignored before the first part, or in a part's content: looking for a delimiter.
        case searching
        /// Right behind a delimiter.
        case behindDelimiter
        /// Behind blanks that follow a delimiter; how many.
        case padding(Int)
        /// Behind the CR that ends a delimiter's line.
        case lineEnd
        /// Behind the first hyphen that marks the last delimiter.
        case hyphen
        case headers
        /// A part's end has to be told, or what looked like a delimiter handed on, before `next`.
        indirect case owing(Event, next: State)
        /// Behind the last delimiter.
        case done
    }

    private let limits: Limits
    /// CRLF, two hyphens and the boundary. The CR is in it only once, so that a match that fails can begin anew only behind it.
    private let delimiter: ByteBuffer
    private var state = State.searching
    private var isInPart = false
    private var partCount = 0
    /// How many bytes of the delimiter the last piece ended with.
    private var matched = 2
    /// How many of them nobody sent: a delimiter at the start of the body, or right behind headers, needs no CRLF of its own.
    private var imagined = 2
    private var headers: [UInt8] = []
    private var lineStart = 0

    init(boundary: MultipartBoundary, limits: Limits = Limits()) {
        self.limits = limits
        delimiter = ByteBuffer(bytes: [13, 10, 45, 45] + boundary.bytes)
    }

    /// The next event, from bytes that it takes out of `buffer`; nil when those are all read.
    mutating func next(in buffer: inout ByteBuffer) throws(MultipartError) -> Event? {
        while true {
            if case .owing(let event, let next) = state {
                state = next
                return event
            }
            guard buffer.readableBytes > 0 else { return nil }
            switch state {
            case .searching: if let content = search(&buffer) { return .content(content) }
            case .headers: if let part = try readHeaders(&buffer) { return .part(part) }
            case .done: buffer.moveReaderIndex(to: buffer.writerIndex)
            case .behindDelimiter, .padding, .lineEnd, .hyphen: try readDelimiterEnd(&buffer)
            case .owing: break
            }
        }
    }

    /// Says that there is nothing more.
    ///
    /// - Throws: `truncated` where the last delimiter has not come.
    func finish() throws(MultipartError) {
        guard state == .done else {
            throw MultipartError(.truncated, "the form is incomplete: its last delimiter is missing")
        }
    }

    // MARK: Content

    /// Looks for a delimiter, and takes what is before it; nil where that is nothing, or is ignored.
    private mutating func search(_ buffer: inout ByteBuffer) -> ByteBuffer? {
        if matched > 0 {
            let count = commonPrefix(buffer)
            buffer.moveReaderIndex(forwardBy: count)
            matched += count
            if matched == delimiter.readableBytes {
                reachDelimiter()
                return nil
            }
            guard buffer.readableBytes > 0 else { return nil }
            // It was none, and what is left of it came before this piece.
            let content = delimiter.getSlice(at: imagined, length: matched - imagined)
            (matched, imagined) = (0, 0)
            guard isInPart, let content, content.readableBytes > 0 else { return nil }
            return content
        }
        guard let found = firstDelimiter(in: buffer) else {
            let content = buffer.readSlice(length: buffer.readableBytes)
            return isInPart ? content : nil
        }
        let content = buffer.readSlice(length: found.offset)
        buffer.moveReaderIndex(forwardBy: found.count)
        imagined = 0
        if found.count == delimiter.readableBytes { reachDelimiter() } else { matched = found.count }
        return content.flatMap { isInPart && $0.readableBytes > 0 ? $0 : nil }
    }

    /// Where the first delimiter is, or as much of one as the piece ends with; nil where there is none.
    ///
    /// The bytes of a file have a CR in some hundred, so that nearly all of them are passed over by `memchr`.
    private func firstDelimiter(in buffer: ByteBuffer) -> (offset: Int, count: Int)? {
        delimiter.withUnsafeReadableBytes { delimiter in
            buffer.withUnsafeReadableBytes { bytes in
                guard let base = bytes.baseAddress else { return nil }
                var start = 0
                while start < bytes.count, let found = memchr(base + start, 13, bytes.count - start) {
                    let offset = UnsafeRawPointer(found) - base
                    let most = min(delimiter.count, bytes.count - offset)
                    var count = 1
                    while count < most, delimiter[count] == bytes[offset + count] { count += 1 }
                    if count == most { return (offset, count) }
                    start = offset + count
                }
                return nil
            }
        }
    }

    private mutating func reachDelimiter() {
        matched = 0
        state = .behindDelimiter
    }

    /// How many bytes at the start of `buffer` go on with the delimiter that the last piece ended in.
    private func commonPrefix(_ buffer: ByteBuffer) -> Int {
        zip(delimiter.readableBytesView.dropFirst(matched), buffer.readableBytesView).prefix { $0 == $1 }.count
    }

    // MARK: Between parts

    private mutating func readDelimiterEnd(_ buffer: inout ByteBuffer) throws(MultipartError) {
        guard let byte: UInt8 = buffer.getInteger(at: buffer.readerIndex) else { return }
        switch (state, byte) {
        case (.behindDelimiter, UInt8(ascii: "-")): state = .hyphen
        case (.hyphen, UInt8(ascii: "-")): endPart(next: .done)
        case (.behindDelimiter, 13), (.padding, 13): state = .lineEnd
        case (.lineEnd, 10):
            guard partCount < limits.parts else {
                throw MultipartError(.tooManyParts, "the form has more than \(limits.parts) parts")
            }
            partCount += 1
            headers.removeAll()
            lineStart = 0
            endPart(next: .headers)
        case (.behindDelimiter, 0x20), (.behindDelimiter, 0x09): state = .padding(1)
        case (.padding(let count), 0x20), (.padding(let count), 0x09):
            guard count < limits.paddingBytes else {
                throw MultipartError(
                    .badDelimiter, "a delimiter is followed by more than \(limits.paddingBytes) blanks")
            }
            state = .padding(count + 1)
        case (.behindDelimiter, _):
            // A line that only begins like a delimiter is content.
            state = .searching
            let content = delimiter.getSlice(at: imagined, length: delimiter.readableBytes - imagined)
            if isInPart, let content { state = .owing(.content(content), next: .searching) }
            return
        default:
            throw MultipartError(.badDelimiter, "a delimiter of the form is not followed by the end of its line")
        }
        buffer.moveReaderIndex(forwardBy: 1)
    }

    private mutating func endPart(next: State) {
        state = isInPart ? .owing(.partEnd, next: next) : next
        isInPart = false
    }

    /// Collects header lines until the empty one, which ends them.
    private mutating func readHeaders(_ buffer: inout ByteBuffer) throws(MultipartError) -> MultipartPart? {
        let newLine = buffer.index(of: 10, from: buffer.readerIndex)
        let count = (newLine.map { $0 + 1 } ?? buffer.writerIndex) - buffer.readerIndex
        guard headers.count + count <= limits.headerBytes else {
            throw MultipartError(.headersTooLong, "a part has more than \(limits.headerBytes) bytes of headers")
        }
        headers += buffer.readBytes(length: count) ?? []
        guard newLine != nil else { return nil }
        guard headers[lineStart...].elementsEqual([13, 10]) else {
            guard headers.count >= lineStart + 2, headers[headers.count - 2] == 13 else {
                throw MultipartError(.badHeader, "a header line of a part does not end in CRLF")
            }
            lineStart = headers.count
            return nil
        }
        let part = try MultipartPart(headers: headers[..<lineStart])
        headers.removeAll()
        state = .searching
        isInPart = true
        (matched, imagined) = (2, 2)
        return part
    }
}

extension ByteBuffer {
    /// Where the next `byte` is at or behind `start`; nil where there is none.
    fileprivate func index(of byte: UInt8, from start: Int) -> Int? {
        withUnsafeReadableBytes { bytes in
            let offset = start - readerIndex
            guard offset < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + offset, Int32(byte), bytes.count - offset)
            else { return nil }
            return readerIndex + (UnsafeRawPointer(found) - base)
        }
    }
}
