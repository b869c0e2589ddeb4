import NIOCore

@testable import HTTPAPI

/// A part as the parser saw it, with its content in one piece.
struct SeenPart: Hashable, CustomStringConvertible {
    var part: MultipartPart
    var content: [UInt8] = []
    var isOver = false

    init(_ name: String, fileName: String? = nil, _ content: [UInt8], isOver: Bool = true) {
        part = MultipartPart(name: name, fileName: fileName)
        (self.content, self.isOver) = (content, isOver)
    }

    init(_ name: String, fileName: String? = nil, _ content: String = "") {
        self.init(name, fileName: fileName, Array(content.utf8))
    }

    var description: String {
        "\(part.name)/\(part.fileName ?? "-"): \(String(decoding: content, as: UTF8.self))\(isOver ? "" : " …")"
    }
}

/// The whole of what the parser makes of a body, however its content was cut.
enum Parsed: Hashable {
    case form([SeenPart])
    case refused(MultipartError.Code)

    /// Feeds pieces to a parser.
    init(_ pieces: some Sequence<ArraySlice<UInt8>>, boundary: String = "xyz", limits: MultipartParser.Limits = .init())
    {
        do {
            var parser = MultipartParser(boundary: try MultipartBoundary(boundary), limits: limits)
            var parts: [SeenPart] = []
            for piece in pieces {
                var buffer = ByteBuffer(bytes: piece)
                while let event = try parser.next(in: &buffer) {
                    switch event {
                    case .part(let part):
                        parts.append(SeenPart(part.name, fileName: part.fileName, [], isOver: false))
                    case .content(let content):
                        precondition(content.readableBytes > 0 && !parts.isEmpty && !parts[parts.count - 1].isOver)
                        parts[parts.count - 1].content += content.readableBytesView
                    case .partEnd:
                        precondition(!parts.isEmpty && !parts[parts.count - 1].isOver)
                        parts[parts.count - 1].isOver = true
                    }
                }
                precondition(buffer.readableBytes == 0)
            }
            try parser.finish()
            self = .form(parts)
        } catch { self = .refused(error.code) }
    }

    init(_ body: [UInt8], boundary: String = "xyz", limits: MultipartParser.Limits = .init()) {
        self.init([body[...]], boundary: boundary, limits: limits)
    }

    init(_ body: String) { self.init(Array(body.utf8)) }
}

extension [UInt8] {
    /// In pieces that end at `cuts`, which rise.
    func cut(at cuts: some Sequence<Int>) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        for cut in cuts {
            pieces.append(self[start..<cut])
            start = cut
        }
        return pieces + [self[start...]]
    }
}

/// A form as clients write it.
func form(_ parts: [SeenPart], boundary: String = "xyz") -> [UInt8] {
    var bytes: [UInt8] = []
    for part in parts {
        let file = part.part.fileName.map { "; filename=\"\($0)\"\r\nContent-Type: application/octet-stream" } ?? ""
        bytes +=
            Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.part.name)\"\(file)\r\n\r\n".utf8)
            + part.content + [13, 10]
    }
    return bytes + Array("--\(boundary)--\r\n".utf8)
}
