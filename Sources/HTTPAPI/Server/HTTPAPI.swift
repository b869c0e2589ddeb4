import Accounts
import Hummingbird
package import Logging
import NIOCore

/// The node's HTTP interface: OpenAI's API, the node admin API, health and metrics.
package enum HTTPAPI {
    /// Puts the server together. It listens when it runs.
    ///
    /// - Parameters:
    ///   - clock: measures rate limits.
    ///   - onListening: called once with the port, when the server listens.
    package static func server(
        configuration: HTTPAPIConfiguration, services: NodeServices, logger: Logger,
        clock: some Clock<Duration> = ContinuousClock(),
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> HTTPAPIServer {
        server(
            configuration: configuration, services: services, logger: logger, clock: clock, more: [],
            onListening: onListening)
    }

    /// - Parameter more: routes besides the node's own.
    static func server(
        configuration: HTTPAPIConfiguration, services: NodeServices, logger: Logger, clock: some Clock<Duration>,
        more: [any RouteGroup], onListening: @escaping @Sendable (_ port: Int) async -> Void
    ) -> HTTPAPIServer {
        let metrics = HTTPMetrics()
        let roster = ConnectionRoster(limits: configuration.connections, logger: logger)
        var table = RouteTable()
        let own = groups(configuration: configuration, services: services, metrics: metrics, roster: roster)
        for group in own + more { table.add(group) }
        let boundPort = BoundPort()
        let router = Router(context: APIRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestIdentityMiddleware(metrics: metrics, proxies: Set(configuration.trustedProxies)))
        router.add(middleware: ErrorMiddleware(table: table))
        router.add(middleware: CORSPolicyMiddleware(boundPort: boundPort))
        router.add(middleware: RateLimitMiddleware(limits: configuration.rateLimits, table: table, clock: clock))
        router.add(
            middleware:
                CallerMiddleware(
                    key: NodeKey(configuration.apiKey), authenticator: services.accounts.authenticator,
                    boundPort: boundPort)
        )
        router.add(middleware: MachinePathsMiddleware(configuration: configuration))
        table.register(on: router, configuration: configuration)
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        ConnectionWatch(), ConnectionDoorFitter(roster: roster, limits: configuration.connections),
                    ],
                    idleTimeout: .init(configuration.idleTimeout))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in
                guard let port = channel.localAddress?.port else { return }
                boundPort.value = port
                await onListening(port)
            },
            logger: logger)
        return HTTPAPIServer(
            application: application, configuration: configuration,
            routeNames: table.routes.map { "\($0.method.rawValue) \($0.path)" })
    }

    /// All routes of a node.
    static func groups(
        configuration: HTTPAPIConfiguration, services: NodeServices, metrics: HTTPMetrics, roster: ConnectionRoster
    ) -> [any RouteGroup] {
        let answering = GenerationAnswering(services: services, configuration: configuration, metrics: metrics)
        let (accounts, keeper) = (services.accounts, services.keeper)
        return [
            HealthRoutes(services: services, metrics: metrics, roster: roster),
            ModelListRoutes(services: services),
            ChatCompletionRoute(answering: answering),
            CompletionRoute(answering: answering),
            EmbeddingsRoute(services: services, configuration: configuration),
            TokenizerRoutes(services: services, configuration: configuration),
            NodeAdminRoutes(services: services, configuration: configuration),
            ModelAdminRoutes(services: services),
            AcquisitionRoutes(
                downloads: services.downloads, acquirer: services.acquirer, keeper: keeper, configuration: configuration
            ),
            StorageRoutes(models: services.models, keeper: keeper, configuration: configuration),
            HubRoutes(
                hub: services.hub, acquirer: services.acquirer, keeper: keeper, configuration: configuration),
            LogInRoutes(accounts: accounts),
            UserRoutes(accounts: accounts, configuration: configuration),
            APITokenRoutes(accounts: accounts, configuration: configuration),
            AuditRoutes(accounts: accounts),
            ClusterRoutes(
                cluster: services.cluster, audit: AuditTrail(log: accounts.audit), configuration: configuration),
            LoRARoutes(
                loras: services.loras, limits: services.loraLimits, audit: AuditTrail(log: accounts.audit),
                configuration: configuration),
            BrowseRoute(files: services.files),
            TrainingRoutes(training: services.training, ledger: accounts.ledger, configuration: configuration),
        ]
    }
}
