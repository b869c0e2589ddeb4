#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An invite code that is not given as an argument, which others could see.
enum InviteCode {
    /// The first line of a file, or of standard input where the path is “-”.
    ///
    /// - Throws: `CommandError` where there is none.
    static func read(from path: String) throws -> String {
        let text: String?
        if path == "-" {
            text = readLine()
        } else {
            guard let file = FileManager.default.contents(atPath: path) else {
                throw CommandError("the file \(path) cannot be read", hint: "“shoal invite > \(path)” makes one")
            }
            text = String(decoding: file.prefix(8192), as: UTF8.self).split(whereSeparator: \.isNewline).first.map(
                String.init)
        }
        guard let text, text.hasPrefix("swarm://") else {
            throw CommandError(
                "there is no invite code in \(path == "-" ? "standard input" : path)",
                hint: "a code is one line that begins with swarm://, as “shoal invite” prints it")
        }
        return text
    }
}
