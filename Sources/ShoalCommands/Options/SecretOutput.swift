package import ArgumentParser
import Node
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where a secret goes that is shown this once: standard output, or a file for its owner alone.
package struct SecretOutput: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Write it to this file, which only you can read, instead of printing it.", valueName: "FILE")
    )
    package var save: String?

    package init() {}

    package mutating func validate() throws {
        if let save, access(save, F_OK) == 0 {
            throw ValidationError("--save \(save): that is there already, and is not written over")
        }
    }

    /// What JSON on standard output would contradict.
    func refuse(with output: OutputOptions) throws {
        if save != nil, output.json { throw ValidationError("--save and --json exclude each other") }
    }

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
