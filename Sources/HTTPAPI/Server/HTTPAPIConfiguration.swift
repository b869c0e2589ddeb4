/// How the HTTP server listens, whom it lets in, and where it stops.
///
/// ## Defaults
///
/// The server listens on loopback alone, lets anyone on this machine read, and limits callers from other machines. Loopback
/// callers are not limited: a machine's owner who runs eight clients at once is not an attack.
package struct HTTPAPIConfiguration: Sendable {
    /// Name or address to listen on.
    package var host: String
    /// Port to listen on; 0 takes a free one.
    package var port: Int
    /// The node key: 64 hexadecimal digits that prove an administrator.
    package var apiKey: String
    /// Whether anyone on loopback may read what is not secret.
    package var openReads: Bool
    /// Whether `/metrics` asks for the node key even on loopback.
    package var metricsRequireKey: Bool
    package var rateLimits: RateLimits
    /// The largest JSON body, in bytes; 413 past it.
    package var bodyLimitBytes: Int
    /// Takes bodies in.
    package var bodies: RequestBodies
    /// What callers count beside each other.
    package var shares: ShareWeights
    /// Folders of the machine that nobody but administrators is told of.
    package var machineFolders: [String]
    /// How long an answer that is not streamed may take; 504 past it. `nil`: for ever.
    package var requestTimeout: Duration?
    /// How long running answers may go on after a graceful shutdown has begun.
    package var shutdownGracePeriod: Duration
    /// How long a connection may stay silent between requests.
    package var idleTimeout: Duration
    /// IP addresses of proxies whose `X-Forwarded-For` says where a request comes from.
    package var trustedProxies: [String]
    /// How many connections there may be, and how long each may take over a request.
    package var connections: ConnectionLimits
    /// The most answers (`n`, and prompts of a list) that one request may ask for.
    package var maximumChoices: Int

    package init(
        host: String = "127.0.0.1",
        port: Int = 8800,
        apiKey: String,
        openReads: Bool = true,
        metricsRequireKey: Bool = false,
        rateLimits: RateLimits = .defaults,
        bodyLimitBytes: Int = 32 << 20,
        bodies: RequestBodies = RequestBodies(),
        shares: ShareWeights = ShareWeights(),
        machineFolders: [String] = [],
        requestTimeout: Duration? = .seconds(300),
        shutdownGracePeriod: Duration = .seconds(5),
        idleTimeout: Duration = .seconds(180),
        trustedProxies: [String] = [],
        connections: ConnectionLimits = ConnectionLimits(),
        maximumChoices: Int = 128
    ) {
        self.host = host
        self.port = port
        self.apiKey = apiKey
        self.openReads = openReads
        self.metricsRequireKey = metricsRequireKey
        self.rateLimits = rateLimits
        self.bodyLimitBytes = bodyLimitBytes
        self.bodies = bodies
        self.shares = shares
        self.machineFolders = machineFolders
        self.requestTimeout = requestTimeout
        self.shutdownGracePeriod = shutdownGracePeriod
        self.idleTimeout = idleTimeout
        self.trustedProxies = trustedProxies
        self.connections = connections
        self.maximumChoices = maximumChoices
    }
}

/// Requests per minute and caller's address; 0 is no limit.
package struct RateLimits: Sendable, Hashable {
    /// `/api/admin/*`.
    package var administrationPerMinute: Int
    /// `/v1/*` and the other routes that compute.
    package var inferencePerMinute: Int
    /// Whether callers on loopback are limited too.
    package var includesLoopback: Bool

    package init(administrationPerMinute: Int, inferencePerMinute: Int, includesLoopback: Bool) {
        self.administrationPerMinute = administrationPerMinute
        self.inferencePerMinute = inferencePerMinute
        self.includesLoopback = includesLoopback
    }

    package static let defaults = RateLimits(
        administrationPerMinute: 200, inferencePerMinute: 60, includesLoopback: false)
}
