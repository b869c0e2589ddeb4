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
        let metrics = HTTPMetrics()
        let roster = ConnectionRoster(limits: configuration.connections, logger: logger)
        let table = routes(configuration: configuration, services: services, metrics: metrics, roster: roster)
        let boundPort = BoundPort()
        let router = Router(context: APIRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestIdentityMiddleware(metrics: metrics, proxies: Set(configuration.trustedProxies)))
        router.add(middleware: ErrorMiddleware(table: table))
        router.add(middleware: CORSPolicyMiddleware(boundPort: boundPort))
        router.add(middleware: RateLimitMiddleware(limits: configuration.rateLimits, clock: clock))
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

    static func routes(
        configuration: HTTPAPIConfiguration, services: NodeServices, metrics: HTTPMetrics, roster: ConnectionRoster
    ) -> RouteTable {
        var table = RouteTable()
        let answering = GenerationAnswering(services: services, configuration: configuration, metrics: metrics)
        HealthRoutes(services: services, metrics: metrics, roster: roster).add(to: &table)
        ModelListRoutes(services: services).add(to: &table)
        ChatCompletionRoute(answering: answering).add(to: &table)
        CompletionRoute(answering: answering).add(to: &table)
        EmbeddingsRoute(services: services, configuration: configuration).add(to: &table)
        TokenizerRoutes(services: services, configuration: configuration).add(to: &table)
        NodeAdminRoutes(services: services, configuration: configuration).add(to: &table)
        ModelAdminRoutes(services: services).add(to: &table)
        AcquisitionRoutes(acquisition: services.acquisition, configuration: configuration).add(to: &table)
        StorageRoutes(acquisition: services.acquisition, configuration: configuration).add(to: &table)
        HubRoutes(acquisition: services.acquisition, configuration: configuration).add(to: &table)
        LogInRoutes(accounts: services.accounts).add(to: &table)
        UserRoutes(accounts: services.accounts, configuration: configuration).add(to: &table)
        APITokenRoutes(accounts: services.accounts, configuration: configuration).add(to: &table)
        AuditRoutes(accounts: services.accounts).add(to: &table)
        ClusterRoutes(cluster: services.cluster, audit: services.accounts.audit, configuration: configuration)
            .add(to: &table)
        LoRARoutes(loras: services.loras, audit: services.accounts.audit, configuration: configuration).add(to: &table)
        BrowseRoute(files: services.files).add(to: &table)
        TrainingRoutes(
            training: services.training, ledger: services.accounts.ledger, configuration: configuration
        ).add(to: &table)
        return table
    }
}
