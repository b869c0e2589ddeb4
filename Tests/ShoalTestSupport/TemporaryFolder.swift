#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Runs `body` with a folder of its own, which goes afterwards. Its path is short, as sockets need it.
package func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var parent = FileManager.default.temporaryDirectory.path()
    while parent.count > 1, parent.hasSuffix("/") { parent.removeLast() }
    let path = "\(parent)/shoal-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
