import AsyncHTTPClient
import NIOCore
import SystemPackage

/// A form with text fields and one file, which is read while it is sent (RFC 7578).
struct FileForm: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// How much of the file is read at once.
    private static let pieceBytes = 1 << 18

    let contentType: String
    /// Bytes of the file.
    let fileBytes: Int64
    private let file: SystemPackage.FileDescriptor
    private let head: ByteBuffer
    private let tail: ByteBuffer
    private let onProgress: @Sendable (_ sentBytes: Int64) -> Void

    /// - Parameters:
    ///   - file: at its beginning; stays open until the form is sent.
    ///   - fileBytes: its size.
    ///   - onProgress: told how many of the file's bytes have been sent.
    init(
        fields: [(name: String, value: String)], file: SystemPackage.FileDescriptor, fileBytes: Int64, fileName: String,
        onProgress: @escaping @Sendable (_ sentBytes: Int64) -> Void
    ) {
        // 128 random bits are in no file by chance.
        let boundary = "shoal-" + (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        var head = ""
        for field in fields {
            head += "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field.name)\"\r\n\r\n\(field.value)\r\n"
        }
        head +=
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(Self.quoted(fileName))\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n"
        contentType = "multipart/form-data; boundary=\(boundary)"
        self.head = ByteBuffer(string: head)
        tail = ByteBuffer(string: "\r\n--\(boundary)--\r\n")
        self.fileBytes = fileBytes
        self.file = file
        self.onProgress = onProgress
    }

    /// The body of a request that sends the form.
    var body: HTTPClientRequest.Body {
        .stream(self, length: .known(Int64(head.readableBytes + tail.readableBytes) + fileBytes))
    }

    func makeAsyncIterator() -> Iterator { Iterator(form: self) }

    struct Iterator: AsyncIteratorProtocol {
        private let form: FileForm
        private var sentBytes: Int64 = 0
        private var part = Part.head

        private enum Part { case head, file, end }

        fileprivate init(form: FileForm) { self.form = form }

        mutating func next() async throws -> ByteBuffer? {
            switch part {
            case .head:
                part = form.fileBytes > 0 ? .file : .end
                return form.fileBytes > 0 ? form.head : joined(form.head, form.tail)
            case .file:
                form.onProgress(sentBytes)
                let wanted = Int(Swift.min(Int64(FileForm.pieceBytes), form.fileBytes - sentBytes))
                var piece = ByteBuffer()
                try piece.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
                    try form.file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted]))
                }
                guard piece.readableBytes > 0 else { throw CommandError("the file became shorter while it was sent") }
                sentBytes += Int64(piece.readableBytes)
                guard sentBytes == form.fileBytes else { return piece }
                part = .end
                return joined(piece, form.tail)
            case .end:
                form.onProgress(sentBytes)
                return nil
            }
        }

        private func joined(_ one: ByteBuffer, _ other: ByteBuffer) -> ByteBuffer {
            var (one, other) = (one, other)
            one.writeBuffer(&other)
            return one
        }
    }

    /// A name between quotes, as browsers write it.
    private static func quoted(_ name: String) -> String {
        name.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
    }
}
