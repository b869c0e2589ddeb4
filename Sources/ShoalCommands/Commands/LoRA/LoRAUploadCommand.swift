package import Adapters
package import ArgumentParser
import Node
import NodeAPI
import Synchronization
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal lora upload`: sends a LoRA file to a node.
package struct LoRAUploadCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Send a LoRA file to the node.",
        discussion: """
            Takes .safetensors, .ckpt, .pt, .pth and .bin. Where the name is taken the file becomes name_v2, name_v3 and so on. \
            Prints the file's path in the library.
            """)

    @OptionGroup package var output: OutputOptions

    @Option(
        name: .long,
        help: ArgumentHelp("What it draws: clothes, faces, identities, product or styles.", valueName: "TYPE"))
    package var type: LoRAType?

    @Flag(name: .long, help: "Refuse instead of taking another version of the name.")
    package var keepName = false

    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The file.", valueName: "FILE"))
    package var file: String

    package init() {}

    package func run() async throws {
        let path = Settings.absolutePath(file, environment: ProcessInfo.processInfo.environment)
        let name = String(path.split(separator: "/").last ?? "")
        // What the node would refuse because of its name is not sent.
        _ = try LoRAFileName(safe: name)
        let bar = Mutex(ProgressBar("uploading \(name)"))
        let body = try await withFile(path) { descriptor, size in
            let form = FileForm(fields: fields, file: descriptor, fileBytes: size, fileName: name) { sent in
                bar.withLock { $0.update(done: sent, total: size) }
            }
            defer { bar.withLock { $0.finish() } }
            return try await NodeClient.with(try connection.target()) { client in
                try await client.post(route, form.body, type: form.contentType)
            }
        }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let answer: LoRAUploadBody = try NodeClient.decode(body)
        if let same = answer.sameAs { Terminal.errorLine("the library has the same bytes as \(same) too") }
        Terminal.line(answer.partialPath)
    }

    private var fields: [(name: String, value: String)] {
        let type = type.map { [("entity_type", $0.rawValue)] } ?? []
        return type + [("use_safe_filename", keepName ? "false" : "true")]
    }

    /// Any user may upload; some types are for administrators.
    private var route: String {
        type?.isForAdministrators == true ? "/api/v1/admin/lora/upload" : "/api/v1/lora/upload"
    }

    /// Opens a regular file; what is none, such as a folder or a pipe without an end, is refused without waiting for it.
    private func withFile<Value>(
        _ path: String, _ body: (_ file: FileDescriptor, _ sizeBytes: Int64) async throws -> Value
    ) async throws -> Value {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: .nonBlocking)
        } catch {
            throw CommandError("cannot open \(path): \(error)")
        }
        do {
            let status = try descriptor.stat()
            guard status.type == .regular else {
                throw CommandError("\(path) is no regular file; name the LoRA file itself")
            }
            let value = try await body(descriptor, status.size)
            try descriptor.close()
            return value
        } catch {
            try? descriptor.close()
            throw (error as? Errno).map { CommandError("cannot read \(path): \($0)") } ?? error
        }
    }
}

/// What a LoRA file draws, on the command line.
extension LoRAType: ExpressibleByArgument {}
