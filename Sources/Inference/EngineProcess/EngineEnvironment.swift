import Link
import Logging
import Subprocess

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every engine process of a node is given.
struct EngineEnvironment: Sendable {
    /// The first line on an engine's standard input.
    struct Bootstrap: Encodable {
        let credentials: LinkCredentials
        let listen: String
    }

    let role: EngineRole
    let settings: InferenceSettings
    let credentials: CurrentCredentials
    let variables: EngineVariables
    let logger: Logger
    /// A number of its own for each engine, so that sockets have short names.
    let number: Int
    /// Called when a process has started or ended.
    let onChange: @Sendable (EngineProcess) -> Void
    /// Called with each status that an engine gave.
    let onStatus: @Sendable (EngineProcess, Shoal_V1_EngineStatus) -> Void

    func bootstrap() -> Bootstrap {
        Bootstrap(credentials: credentials.value, listen: settings.engineListenHost)
    }

    func socketPath(generation: Int) -> String {
        "\(settings.socketDirectory)/\(role.rawValue)-\(number)-\(generation).sock"
    }

    /// What an engine process finds in its environment: this process's own variables, and how its threads wait for each
    /// other.
    ///
    /// GNU OpenMP lets a thread that has nothing to do spin for 300,000 rounds, which is 13 ms: as long as a token takes on
    /// another engine of the same machine, which then has half of the processor (two engines in turn reached half the
    /// speed of one). 2000 rounds bridge the gaps inside a token all the same. What the operator says about OpenMP stands.
    func processVariables(
        inherited: [String: String] = ProcessInfo.processInfo.environment
    ) -> Subprocess.Environment {
        let saysOtherwise = inherited.keys.contains { $0 == "GOMP_SPINCOUNT" || $0 == "OMP_WAIT_POLICY" }
        var changes: [Subprocess.Environment.Key: String?] = saysOtherwise ? [:] : ["GOMP_SPINCOUNT": "2000"]
        for (name, value) in variables.current { changes[.init(stringLiteral: name)] = value }
        return .inherit.updating(changes)
    }
}

/// What an engine process is there for.
package enum EngineRole: String, Sendable {
    /// Computes windows of a model.
    case compute = "engine"
    /// Prepares prompts and reads answers; computes nothing.
    case preparation = "prepare"

    /// What the program is told besides.
    var arguments: [String] { self == .preparation ? ["--prepare"] : [] }
}
