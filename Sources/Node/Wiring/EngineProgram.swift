import Logging
import Subprocess
import SystemPackage

/// What the engine program says of the machine when it is asked, and ends.
struct EngineProgram: Sendable {
    let binary: String
    /// How long the program may take: to find many GPUs takes seconds, and a driver that is broken never answers.
    var limit: Duration = .seconds(30)

    private struct TookTooLong: Error, CustomStringConvertible {
        let description = "it took too long"
    }

    /// The devices that it finds, as libllama names them.
    ///
    /// - Parameter variables: what its environment has besides the own one.
    /// - Returns: nothing where it does not answer.
    func devices(variables: [String: String], logger: Logger) async -> [String] {
        await lines("--devices", "what it can compute with", variables, logger)
    }

    /// How fast processors read memory, in bytes per second; nil where it does not say.
    func memoryBandwidth(logger: Logger) async -> Double? {
        let answer = await lines("--memory-bandwidth", "how fast memory is", [:], logger).first.flatMap(Double.init)
        return answer.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
    }

    private func lines(
        _ question: String, _ meaning: String, _ variables: [String: String], _ logger: Logger
    ) async -> [String] {
        do {
            return try await withThrowingTaskGroup(of: [String].self) { group in
                group.addTask { try await run(question, variables) }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw TookTooLong()
                }
                defer { group.cancelAll() }
                return try await group.next() ?? []
            }
        } catch {
            logger.warning(
                "the engine program does not say \(meaning)", metadata: ["reason": "\(error)"])
            return []
        }
    }

    private func run(_ question: String, _ variables: [String: String]) async throws -> [String] {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        for (name, value) in variables { changes[.init(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .path(FilePath(binary)), arguments: [question], environment: .inherit.updating(changes),
            output: .string(limit: 65536), error: .discarded)
        return result.standardOutput.split(separator: "\n").map(String.init)
    }
}
