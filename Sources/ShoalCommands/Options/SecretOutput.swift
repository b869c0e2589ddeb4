package import ArgumentParser
import Node
import SystemPackage

/// Where a secret goes that is shown this once: standard output, or a file for its owner alone.
package struct SecretOutput: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Write it to this file, which only you can read, instead of printing it.", valueName: "FILE")
    )
    package var save: String?

    package init() {}

    /// - Throws: `CommandError` where the file is there already or cannot be written; `secret` is in it then.
    func put(_ secret: String) throws {
        guard let save else { return Terminal.line(secret) }
        do {
            let descriptor = try FileDescriptor.open(
                FilePath(save), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            try descriptor.closeAfter { _ = try descriptor.writeAll("\(secret)\n".utf8) }
            Terminal.errorLine("written to \(save), for you alone")
        } catch {
            // It is shown this once, whatever becomes of the file.
            Terminal.line(secret)
            throw CommandError("\(save) cannot be made (\(error)); the secret is on standard output instead")
        }
    }
}
