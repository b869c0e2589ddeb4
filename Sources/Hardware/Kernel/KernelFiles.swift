#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the kernel says in files, below a folder that stands for the root of the file system.
///
/// Nothing here waits or grows with what it finds: pipes are not opened for waiting, long files and folders are given up.
struct KernelFiles: Sendable {
    /// The longest file that is read; the kernel's attributes have at most a page.
    static let longestFileBytes = 64 << 10
    /// The most entries of a folder that are looked at.
    static let mostEntries = 4096

    let root: String

    private func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// A file's text; `nil` for what is missing, no file, unreadable or too long.
    func text(_ relative: String, limit: Int = longestFileBytes) -> String? {
        let descriptor = open(path(relative), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var contents: [UInt8] = []
        while contents.count <= limit {
            let room = min(4096, limit + 1 - contents.count)
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                count = read(descriptor, buffer.baseAddress, room)
                filled = max(0, count)
            }
            if count < 0 { return nil }
            if count == 0 { return String(decoding: contents, as: UTF8.self) }
            contents += chunk
        }
        return nil
    }

    /// A file's first line without the space around it; `nil` for an empty one.
    func line(_ relative: String) -> String? {
        text(relative)?.split(whereSeparator: \.isNewline).first.flatMap { DriverText.cleaned($0) }
    }

    /// A file that holds one number, decimal or hexadecimal with `0x`.
    func number(_ relative: String) -> UInt64? {
        line(relative).flatMap { $0.hasPrefix("0x") ? UInt64($0.dropFirst(2), radix: 16) : UInt64($0) }
    }

    func exists(_ relative: String) -> Bool { access(path(relative), F_OK) == 0 }

    /// Names in a folder, hidden ones left out, in no order; empty for what is no folder.
    func names(in relative: String) -> [String] {
        guard let folder = opendir(path(relative)) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while names.count < Self.mostEntries, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The last part of what a symbolic link points to.
    func linkedName(_ relative: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path(relative), &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return target.split(separator: "/").last.map { String($0) }
    }
}

/// What drivers say, made fit to be shown and sent on.
enum DriverText {
    private static let mostCharacters = 128

    /// Without control characters and the space around it, cut at 128 characters; `nil` when nothing is left.
    static func cleaned(_ text: some StringProtocol) -> String? {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: line.append(" ")
            default: line.append(scalar)
            }
        }
        let words = String(line).split(separator: " ")
        return words.isEmpty ? nil : String(words.joined(separator: " ").prefix(mostCharacters))
    }
}
