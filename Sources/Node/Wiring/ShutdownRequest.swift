import ServiceLifecycle

/// Lets a request end the node: when it is made, this service returns, and its group shuts down gracefully.
package final class ShutdownRequest: Service {
    private let (requests, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init() {}

    /// Begins the shutdown and returns at once.
    package func make() {
        continuation.yield()
    }

    package func run() async throws {
        for await _ in requests.cancelOnGracefulShutdown() { return }
    }
}
