package import Generation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the engine program is.
package enum EngineBinary {
    /// Environment variable that names the program.
    package static let environmentVariable = "SHOAL_ENGINE_BINARY"

    /// Finds the program: the path given, else the environment's, else `shoal-engine` beside the running executable.
    ///
    /// - Throws: `InferenceError` with `engineMissing`, naming where it was looked for.
    package static func find(
        configured: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(InferenceError) -> String {
        let named = configured ?? environment[environmentVariable].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? besideExecutable()
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw InferenceError(
                .engineMissing, "there is no engine program at \(path)",
                hint: named == nil
                    ? "build the product shoal-engine, or set \(environmentVariable) to its path"
                    : "correct the setting, or leave it out to use shoal-engine beside the daemon")
        }
        return path
    }

    private static func besideExecutable() -> String {
        #if os(Linux)
            let running = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        #else
            let running: String? = nil
        #endif
        let executable = running ?? CommandLine.arguments.first ?? ""
        guard let slash = executable.lastIndex(of: "/") else { return "./shoal-engine" }
        return executable[..<slash] + "/shoal-engine"
    }
}
