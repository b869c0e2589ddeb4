import Adapters
import NIOCore

/// The form of a LoRA upload while it comes in.
///
/// Fields come in any order. Text is collected and checked as soon as its part ends, so that what cannot be is refused before the
/// file has come; the file goes to the disk as it comes, and gets its type and its name when everything is there.
struct LoRAForm: Sendable {
    /// Who sends it, which says what types it may name.
    enum Sender: Sendable {
        case administrator
        case user
    }

    /// Longest text of a field; every known one is a word.
    private static let longestText = 256

    private let sender: Sender
    private let begin: @Sendable () throws -> LoRAUpload
    private let loop: any EventLoop
    private var parser: MultipartParser
    private var seen: Set<String> = []
    private var part: MultipartPart?
    private var text: [UInt8] = []
    private var type: LoRAType?
    private var versioned: Bool?
    private var file: (original: String, name: LoRAFileName)?
    private var writer: BlockWriter?

    /// - Parameters:
    ///   - begin: makes the place that the file goes to.
    ///   - loop: where waiting for the disk is waited for.
    init(
        boundary: MultipartBoundary, sender: Sender, loop: any EventLoop,
        begin: @escaping @Sendable () throws -> LoRAUpload
    ) {
        self.sender = sender
        self.loop = loop
        self.begin = begin
        parser = MultipartParser(boundary: boundary)
    }

    /// A form that has come completely.
    struct Complete: Sendable {
        let upload: LoRAUpload
        /// As the client calls the file.
        let original: String
        let name: LoRAFileName
        let type: LoRAType
        let versioned: Bool
    }

    /// What is known of the file so far, for the audit log.
    var fileName: String? { file?.original }

    /// Reads what has come.
    ///
    /// - Throws: `APIError` for what no upload may have, `AdapterError` of the disk.
    mutating func take(_ piece: ByteBuffer) async throws {
        var piece = piece
        while let event = try next(in: &piece) {
            switch event {
            case .part(let part): try begin(part)
            case .content(let content): try await take(content: content)
            case .partEnd: try endPart()
            }
        }
    }

    private mutating func next(in piece: inout ByteBuffer) throws(APIError) -> MultipartParser.Event? {
        do {
            return try parser.next(in: &piece)
        } catch {
            throw APIError(error)
        }
    }

    private mutating func begin(_ part: MultipartPart) throws {
        guard ["file", "entity_type", "use_safe_filename"].contains(part.name) else {
            throw APIError.invalidRequest("there is no such field", parameter: String(part.name.prefix(64)))
        }
        guard seen.insert(part.name).inserted else {
            throw APIError.invalidRequest("the field is there twice", parameter: part.name)
        }
        self.part = part
        text = []
        guard part.name == "file" else {
            if part.isFile { throw APIError.invalidRequest("this must be text and no file", parameter: part.name) }
            return
        }
        guard let original = part.fileName, !original.isEmpty else {
            throw APIError.invalidRequest("this must be a file with a name", parameter: "file")
        }
        file = (original, try LoRAFileName(safe: original))
        writer = BlockWriter(upload: try begin(), loop: loop)
    }

    private mutating func take(content: ByteBuffer) async throws {
        guard part?.name != "file" else { return try await writer?.write(content) ?? () }
        guard text.count + content.readableBytes <= Self.longestText else {
            throw APIError.invalidRequest("may have at most \(Self.longestText) bytes", parameter: part?.name)
        }
        text += content.readableBytesView
    }

    private mutating func endPart() throws(APIError) {
        guard let name = part?.name, name != "file" else { return }
        guard let value = String(validating: text, as: UTF8.self) else {
            throw .invalidRequest("the text is no UTF-8", parameter: name)
        }
        if name == "entity_type" {
            type = try Self.type(value, sender: sender)
        } else {
            versioned = try Self.bool(value, parameter: name)
        }
    }

    /// Says that everything has come.
    ///
    /// - Throws: `APIError` where something is missing, `AdapterError` of the disk.
    mutating func complete() async throws -> Complete {
        do {
            try parser.finish()
        } catch {
            throw APIError(error)
        }
        guard let file, let upload = try await writer?.finish() else {
            throw APIError.invalidRequest("the field is missing", parameter: "file")
        }
        return Complete(
            upload: upload, original: file.original, name: file.name, type: type ?? .none,
            versioned: versioned ?? true)
    }

    /// Gives the upload up and removes what has come.
    func cancel() async { await writer?.cancel() }

    private static func type(_ name: String, sender: Sender) throws(APIError) -> LoRAType {
        let allowed = LoRAType.allCases.filter { sender == .administrator || !$0.isForAdministrators }
        guard let type = try? LoRAType(named: name), allowed.contains(type) else {
            let names = allowed.map(\.rawValue).joined(separator: ", ")
            throw .invalidRequest("there is no such entity type here; use one of \(names)", parameter: "entity_type")
        }
        return type
    }

    /// The words for booleans that forms are filled in with.
    private static func bool(_ text: String, parameter: String) throws(APIError) -> Bool {
        switch text.lowercased() {
        case "true", "1", "on", "yes", "t", "y": return true
        case "false", "0", "off", "no", "f", "n": return false
        default: throw .invalidRequest("must be true or false", parameter: parameter)
        }
    }
}
