import Link
import Logging

/// What every engine process of a node is given.
struct EngineEnvironment: Sendable {
    /// The first line on an engine's standard input.
    struct Bootstrap: Encodable {
        let credentials: LinkCredentials
        let listen: String
    }

    let settings: InferenceSettings
    let credentials: CurrentCredentials
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
        "\(settings.socketDirectory)/engine-\(number)-\(generation).sock"
    }
}
