import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// The port that the server got, known once it listens.
final class BoundPort: Sendable {
    private let port = Mutex<Int?>(nil)

    var value: Int? {
        get { port.withLock { $0 } }
        set { port.withLock { $0 = newValue } }
    }
}

/// Why the HTTP server cannot run.
package struct HTTPAPIError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        let name: String
        /// The port is taken, or the address is not this machine's.
        package static let cannotListen = Code(name: "cannotListen")
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package var description: String { message }
}

/// The node's HTTP server, as a service.
package struct HTTPAPIServer: Service {
    let application: Application<RouterResponder<APIRequestContext>>
    let configuration: HTTPAPIConfiguration
    /// Every route that is served, as `GET /v1/models/{id}`.
    package let routeNames: [String]

    /// Serves until the service group stops; running answers get the configured grace period.
    ///
    /// - Throws: ``HTTPAPIError`` where the server cannot listen.
    package func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw HTTPAPIError(
                code: .cannotListen,
                message:
                    "cannot listen on \(configuration.host):\(configuration.port): \(error.description). "
                    + "Choose another port with --port (0 takes a free one) or another address with --host.",
                cause: error)
        }
    }
}
