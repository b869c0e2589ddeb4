import Accounts
import Adapters
import Hummingbird
import JSON
import NodeAPI
import Store

/// `/api/v1/admin/lora*`, `/api/v1/lora/upload`, and the same without `/api/v1`.
struct LoRARoutes: RouteGroup {
    static let family = APIFamily.compute

    private static let mostFiles = 1000

    private let loras: any LoRAService
    private let audit: AuditTrail
    private let configuration: HTTPAPIConfiguration
    private let reception: LoRAReception
    private let slots: UploadSlots

    init(
        loras: any LoRAService, limits: LoRAUploadLimits, audit: AuditTrail, configuration: HTTPAPIConfiguration
    ) {
        self.loras = loras
        self.audit = audit
        self.configuration = configuration
        reception = LoRAReception(
            loras: loras, limits: limits, shutdownGracePeriod: configuration.shutdownGracePeriod)
        slots = UploadSlots(limits.uploads, patience: limits.queueing)
    }

    func add(to table: inout RouteTable) {
        for base in ["/api/v1", ""] {
            table.upload("\(base)/admin/lora/upload", .administrator) { request, context in
                try await upload(request, context, sender: .administrator)
            }
            table.upload("\(base)/lora/upload", .user) { request, context in
                try await upload(request, context, sender: .user)
            }
            table.get("\(base)/admin/lora", .administrator, handler: list)
            table.delete("\(base)/admin/lora", .administrator, handler: delete)
            table.get("\(base)/admin/lora/bin", .administrator, handler: listBin)
            table.delete("\(base)/admin/lora/bin", .administrator, handler: purge)
            table.post("\(base)/admin/lora/restore", .administrator, handler: restore)
        }
    }

    // MARK: Coming in

    private func upload(
        _ request: Request, _ context: APIRequestContext, sender: LoRAForm.Sender
    ) async throws -> Response {
        try await slots.use(for: context.caller.principal?.user) {
            let form = try await audit.recording(.uploadLoRA, on: .lora(LoRASubject.upload), context) {
                try await reception.receive(request, context: context, sender: sender)
            }
            let stored = try await audit.recording(
                .uploadLoRA, on: .lora(LoRAPath(type: form.type, name: form.name)), context
            ) {
                try await loras.finish(
                    form.upload, as: form.name, type: form.type, versioned: form.versioned,
                    note: audit.note(.uploadLoRA, context) { stored in
                        let size = AuditDetail.number("bytes", Int64(clamping: stored.file.sizeBytes))
                        return (.lora(stored.file.path), [size] + (stored.sameAs.map { [.name("same_as", $0)] } ?? []))
                    })
            }
            return try .json(
                encoding: LoRAUploadBody(stored, fileName: form.original, forAdministrator: sender == .administrator))
        }
    }

    // MARK: The library

    @Sendable private func list(_ request: Request, context: APIRequestContext) async throws -> Response {
        let wanted = try Self.selection(request)
        let page = try await loras.files(of: wanted.type, after: wanted.after, limit: wanted.limit)
        return try .json(
            encoding: LoRAListBody(files: page.elements.map(LoRABody.init), next: page.next.map { "\($0)" }))
    }

    @Sendable private func delete(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let path = try Self.path(&fields)
        try fields.refuseUnread()
        let deleted = try await audit.recording(.deleteLoRA, on: .lora(path), context) {
            try await loras.delete(
                path, note: audit.note(.deleteLoRA, context) { (.lora(path), [.name("bin_path", $0.path)]) })
        }
        return try .json(encoding: LoRADeletionBody(deleted))
    }

    // MARK: The bin

    @Sendable private func listBin(_ request: Request, context: APIRequestContext) async throws -> Response {
        let wanted = try Self.selection(request)
        let page = try await loras.deletedFiles(of: wanted.type, after: wanted.after, limit: wanted.limit)
        return try .json(
            encoding: LoRAListBody(files: page.elements.map(DeletedLoRABody.init), next: page.next.map { "\($0)" }))
    }

    @Sendable private func restore(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let path = try Self.path(&fields)
        let versioned = try fields.bool("use_safe_filename") ?? true
        try fields.refuseUnread()
        let file = try await audit.recording(.restoreLoRA, on: .lora(path), context) {
            try await loras.restore(
                path, versioned: versioned,
                note: audit.note(.restoreLoRA, context) { (.lora($0.path), [.name("bin_path", path)]) })
        }
        return try .json(encoding: LoRABody(file))
    }

    @Sendable private func purge(_ request: Request, context: APIRequestContext) async throws -> Response {
        var fields = try RequestFields(try await request.json(limitBytes: configuration.bodyLimitBytes))
        let all = try fields.bool("all") ?? false
        // A request that lost its body on the way must not empty the bin.
        let path = all ? nil : try Self.path(&fields)
        if all, fields.value("partial_path") != nil {
            throw fields.invalid("partial_path", "and all exclude each other")
        }
        try fields.refuseUnread()
        let subject: AuditSubject = path.map { .lora($0) } ?? .lora(LoRASubject.bin)
        let count = try await audit.recording(.purgeLoRA, on: subject, context) {
            let note: ChangeNote<LoRAPath> = audit.note(.purgeLoRA, context) { (.lora($0), []) }
            guard let path else { return try await loras.purgeAll(note: note) }
            try await loras.purge(path, note: note)
            return 1
        }
        return try .json(encoding: LoRAPurgeBody(purged: count))
    }

    // MARK: Reading

    private static func selection(_ request: Request) throws -> LoRASelection {
        var query = try QueryFields(request)
        var selection = LoRASelection()
        if let name = try query.string("entity_type") {
            guard let type = LoRAType(rawValue: name) else {
                throw APIError.invalidRequest("there is no such entity type", parameter: "entity_type", in: .query)
            }
            selection.type = type
        }
        if let after = try query.string("after") { selection.after = try path(after, parameter: "after", in: .query) }
        if let limit = try query.integer("limit", in: 1...mostFiles) { selection.limit = limit }
        try query.refuseUnread()
        return selection
    }

    private static func path(_ fields: inout RequestFields) throws -> LoRAPath {
        try path(try fields.requiredString("partial_path", maximumBytes: 1024), parameter: "partial_path", in: .body)
    }

    private static func path(
        _ text: String, parameter: String, in place: APIError.Place
    ) throws(APIError) -> LoRAPath {
        do {
            return try LoRAPath(partialPath: text)
        } catch {
            throw .invalidRequest(
                "this is no path of a LoRA file; they look like styles/name.safetensors", parameter: parameter,
                in: place)
        }
    }
}

extension AuditSubject {
    fileprivate static func lora(_ name: some AuditedName) -> AuditSubject { .thing("lora", name) }
}

/// What the audit log calls what is no file, or not yet.
private enum LoRASubject: String, AuditedName {
    case upload
    case bin

    var description: String { rawValue }
}

extension LoRAPath: AuditedName {}

extension AuditAction {
    fileprivate static let uploadLoRA = AuditAction("lora.upload")
    fileprivate static let deleteLoRA = AuditAction("lora.delete")
    fileprivate static let restoreLoRA = AuditAction("lora.restore")
    fileprivate static let purgeLoRA = AuditAction("lora.purge")
}
