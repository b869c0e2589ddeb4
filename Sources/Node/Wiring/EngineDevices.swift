import Logging
import Subprocess
import SystemPackage

/// The devices that the engine program finds, as libllama names them.
struct EngineDevices: Sendable {
    let binary: String
    /// How long the program may take: to find many GPUs takes seconds, and a driver that is broken never answers.
    var limit: Duration = .seconds(30)

    private struct TookTooLong: Error, CustomStringConvertible {
        let description = "it took too long"
    }

    /// Asks the program.
    ///
    /// - Parameter variables: what its environment has besides the own one.
    /// - Returns: nothing where it does not answer.
    func names(variables: [String: String], logger: Logger) async -> [String] {
        do {
            return try await withThrowingTaskGroup(of: [String].self) { group in
                group.addTask { try await run(variables) }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw TookTooLong()
                }
                defer { group.cancelAll() }
                return try await group.next() ?? []
            }
        } catch {
            logger.warning(
                "the engine program does not say what it can compute with", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private func run(_ variables: [String: String]) async throws -> [String] {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in variables { changes[.init(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .path(FilePath(binary)), arguments: ["--devices"], environment: .inherit.updating(changes),
            output: .string(limit: 65536), error: .discarded)
        return result.standardOutput.split(separator: "\n").map(String.init)
    }
}
