import Subprocess
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks for the engine program, and whether it starts with its libraries.
struct EngineChecks {
    let program: String

    func findings() async -> [Finding] {
        guard access(program, X_OK) == 0 else {
            return [
                .fail(
                    "engine", "\(program): \(Errno(rawValue: errno))",
                    mend: "put shoal-engine beside shoal, or say where it is with SHOAL_ENGINE_BINARY")
            ]
        }
        do {
            let result = try await run(
                .path(FilePath(program)), arguments: ["--version"], output: .string(limit: 65536),
                error: .string(limit: 65536))
            let output = result.standardOutput.split(separator: "\n").first.map(String.init) ?? ""
            guard case .exited(0) = result.terminationStatus else {
                let reason = result.standardError.split(separator: "\n").first.map(String.init) ?? ""
                return [
                    .fail(
                        "engine", "\(program) does not run (\(result.terminationStatus)): \(reason)",
                        mend: reason.contains("shared librar")
                            ? "install libllama with scripts/engine, then build again"
                            : "run \(program) --version by hand and see what it says")
                ]
            }
            return [.ok("engine", "\(program) runs (\(output))")]
        } catch {
            return [
                .fail("engine", "\(program) cannot be started: \(error)", mend: "build it again, or install it again")
            ]
        }
    }
}
