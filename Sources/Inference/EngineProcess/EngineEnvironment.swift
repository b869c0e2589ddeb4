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
        /// Files of the model: what else lies on the machine the process cannot read.
        let paths: [String]
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

    func bootstrap(paths: [String]) -> Bootstrap {
        Bootstrap(credentials: credentials.value, listen: settings.engineListenHost, paths: paths)
    }

    func socketPath(generation: Int) -> String {
        "\(settings.socketDirectory)/\(role.rawValue)-\(number)-\(generation).sock"
    }

    /// What an engine process finds in its environment: what it needs of this process's own variables, those that the operator set for
    /// engines, and how its threads wait for each other.
    ///
    /// GNU OpenMP lets a thread that has nothing to do spin for 300,000 rounds, which is 13 ms: as long as a token takes on
    /// another engine of the same machine, which then has half of the processor (two engines in turn reached half the
    /// speed of one). 2000 rounds bridge the gaps inside a token all the same. What the operator says about OpenMP stands.
    func processVariables(
        inherited: [String: String] = ProcessInfo.processInfo.environment
    ) -> Subprocess.Environment {
        let values = inherited.filter { Self.isPassedOn($0.key) }
        let saysOtherwise = values.keys.contains { $0 == "GOMP_SPINCOUNT" || $0 == "OMP_WAIT_POLICY" }
        var given = saysOtherwise ? values : values.merging(["GOMP_SPINCOUNT": "2000"]) { $1 }
        given.merge(variables.current) { $1 }
        var environment: [Subprocess.Environment.Key: String] = [:]
        for (name, value) in given { environment[.init(stringLiteral: name)] = value }
        return .custom(environment)
    }

    /// Names that are passed on as they are.
    private static let passedNames: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "XDG_RUNTIME_DIR", "MALLOC_ARENA_MAX", "GPU_DEVICE_ORDINAL",
    ]
    /// Beginnings of names that are passed on: locale, and what libllama, threads and drivers of GPUs are set up with.
    private static let passedBeginnings = [
        "LC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "ROCM_", "HSA_", "AMD_", "GGML_", "LLAMA_", "OMP_", "GOMP_", "KMP_",
        "OPENBLAS_",
        "MKL_", "VK_", "MESA_", "SYCL_", "ONEAPI_", "ZE_", "MTL_", "METAL_", "SHOAL_ENGINE_", "GLIBC_TUNABLES",
        "SWIFT_BACKTRACE",
    ]
    /// What is a secret by its name is kept, whatever it begins with.
    private static let secretParts = [
        "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY",
    ]

    static func isPassedOn(_ name: String) -> Bool {
        let upper = name.uppercased()
        guard !secretParts.contains(where: { upper.contains($0) }), !upper.hasSuffix("_KEY"), upper != "KEY" else {
            return false
        }
        return passedNames.contains(name) || passedBeginnings.contains { name.hasPrefix($0) }
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
