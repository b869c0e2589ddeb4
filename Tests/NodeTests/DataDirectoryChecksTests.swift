import ShoalTestSupport
import Testing

@testable import Node
@testable import ShoalCommands

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("What doctor says of a data directory")
struct DataDirectoryChecksTests {
    @Test("A log that is a link is not closed to anybody, nor what it leads to")
    func linkedLog() async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root + "/data")
            try directory.create()
            try SmallFile.write([], to: root + "/device")
            chmod(root + "/device", 0o666)
            symlink(root + "/device", directory.log)
            let said = try directory.closeToOthers()
            let mode = try permissions(of: root + "/device")
            #expect(said.isEmpty && mode == 0o666)
            #expect(DataDirectoryChecks(directory: directory).findings().allSatisfy { $0.state == .ok })
        }
    }

    @Test(
        "What other users may open is said, with what mends it, until it is mended",
        arguments: [
            ("", 0o755, "data directory"), ("", 0o701, "data directory"), ("shoal.yaml", 0o644, "modes"),
            ("shoal.yaml", 0o620, "modes"), ("shoal.sqlite", 0o604, "modes"), ("jwt.key", 0o640, "modes"),
            ("admin_password", 0o644, "modes"), ("shoal.log", 0o644, "modes"), ("api_key", 0o644, "api key"),
            ("identity.key", 0o604, "identity"), ("swarm.key", 0o660, "swarm key"),
        ] as [(String, UInt16, String)])
    func modes(name: String, mode: UInt16, check: String) async throws {
        try await withTemporaryFolder { root in
            let directory = DataDirectory(path: root + "/data")
            try directory.create()
            _ = try APIKeyFile.loadOrCreate(in: directory)
            for path in [directory.identityKey, directory.swarmKey, directory.jwtKey] {
                try SmallFile.write(Array(repeating: 7, count: 32), to: path)
            }
            for path in [directory.settings, directory.database, directory.oneTimePassword, directory.log] {
                try SmallFile.write([], to: path)
            }
            let checks = DataDirectoryChecks(directory: directory)
            #expect(checks.findings().allSatisfy { $0.state == .ok }, "\(checks.findings())")
            let path = name.isEmpty ? directory.path : "\(directory.path)/\(name)"
            chmod(path, mode_t(mode))
            let findings = checks.findings().filter { $0.state != .ok }
            #expect(findings.map(\.check) == [check])
            let mend = try #require(findings.first?.mend)
            #expect(mend.hasPrefix("chmod ") && mend.contains(path), "\(mend)")
            // What it says does mend it, and so does a start.
            let words = mend.split(separator: ";")[0].split(separator: ",")[0].split(separator: " ")
            chmod(path, mode_t(try #require(UInt16(words[1], radix: 8))))
            #expect(checks.findings().allSatisfy { $0.state == .ok })
            chmod(path, mode_t(mode))
            let said = try directory.closeToOthers()
            #expect(check == "identity" || check == "swarm key" || said.contains { $0.contains(path) }, "\(said)")
        }
    }
}
