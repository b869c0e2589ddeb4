import ShoalTestSupport
import Subprocess
import SystemPackage

/// A `shoal` command that ran to its end.
struct CommandRun: Sendable {
    let output: String
    let errors: String
    /// Exit status; 128 and the signal's number when a signal ended it.
    let status: Int32

    /// Runs `shoal` with these arguments, in an environment without settings of this machine.
    static func shoal(_ arguments: [String], environment: [String: String] = [:]) async throws -> CommandRun {
        let result = try await run(
            .path(FilePath(BuildProducts.shoal)), arguments: Arguments(arguments),
            environment: .custom(Environment.test.merging(environment) { $1 }.keyed), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return CommandRun(output: result.standardOutput, errors: result.standardError, status: status)
    }
}

extension Environment {
    /// What the processes under test see.
    static let test: [String: String] = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"]
}

extension [String: String] {
    /// The same variables with the keys that subprocesses take.
    var keyed: [Environment.Key: String] {
        reduce(into: [:]) { result, entry in
            if let key = Environment.Key(rawValue: entry.key) { result[key] = entry.value }
        }
    }
}
