import CContract
import Generation
import Hummingbird
import JSON
import NIOCore

/// Whether the node lives, whether it can serve, what it counts, and what it can be asked.
struct HealthRoutes: RouteGroup {
    static let family = APIFamily.base

    let services: NodeServices
    let metrics: HTTPMetrics
    let roster: ConnectionRoster

    func add(to table: inout RouteTable) {
        table.get("/health", .everybody, handler: health)
        table.get("/health/ready", .everybody, handler: ready)
        table.get("/metrics", .metrics, handler: showMetrics)
        table.get("/openapi.yaml", .everybody, handler: contract)
    }

    @Sendable private func health(_ request: Request, context: APIRequestContext) async throws -> Response {
        var warnings: [JSONValue] = []
        if roster.isCrowded { warnings.append("there are too many connections: some are closed or turned away") }
        return .json(warnings.isEmpty ? ["status": "ok"] : ["status": "ok", "warnings": .array(warnings)])
    }

    @Sendable private func ready(_ request: Request, context: APIRequestContext) async throws -> Response {
        let subsystems = await services.node.readiness()
        let isReady = subsystems.allSatisfy(\.isReady)
        return .json(
            [
                "ready": .bool(isReady),
                "subsystems": .object(subsystems.map { ($0.name, .bool($0.isReady)) }),
            ], status: isReady ? .ok : .serviceUnavailable)
    }

    @Sendable private func showMetrics(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = PrometheusText.describe(
            http: metrics.snapshot, connections: roster.snapshot, node: await services.node.statistics(),
            models: await services.backend.availableModels(), version: services.node.version)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    @Sendable private func contract(_ request: Request, context: APIRequestContext) async throws -> Response {
        let text = UnsafeBufferPointer(start: shoal_contract, count: shoal_contract_length)
        return Response(
            status: .ok, headers: [.contentType: "application/yaml"], body: .init(byteBuffer: ByteBuffer(bytes: text)))
    }
}
