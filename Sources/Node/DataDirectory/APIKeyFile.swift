import Bytes
import SystemPackage

/// The administrators' key of a node: 64 hexadecimal digits in `<data directory>/api_key`, readable by its owner alone.
package enum APIKeyFile {
    /// Reads the key, or makes one from the system's random numbers when the file is missing.
    ///
    /// - Throws: `NodeError` when the file holds something else, or cannot be read or written.
    package static func loadOrCreate(in directory: DataDirectory) throws -> String {
        if let key = try load(in: directory) { return key }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }.hexadecimal
        do {
            try SmallFile.write(Array((key + "\n").utf8), to: directory.apiKey)
        } catch {
            throw NodeError(.dataDirectory, "cannot write \(directory.apiKey)", cause: error)
        }
        return key
    }

    /// Reads the key; nil when the file is missing.
    package static func load(in directory: DataDirectory) throws -> String? {
        let contents: [UInt8]
        do {
            contents = try SmallFile.read(directory.apiKey, limit: 4096)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw NodeError(.dataDirectory, "cannot read \(directory.apiKey)", cause: error)
        }
        let key = String(decoding: contents, as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
        guard key.utf8.count == 64, key.allSatisfy(\.isHexDigit) else {
            throw NodeError(
                .badKeyFile,
                "\(directory.apiKey) does not hold 64 hexadecimal digits; remove it and a new key is made at the next start"
            )
        }
        return String(key)
    }
}
