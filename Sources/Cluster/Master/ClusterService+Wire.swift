import GRPCCore
import Identifiers
import Link

/// The gRPC service that a master has for its workers.
struct ClusterService: Shoal_V1_Cluster.SimpleServiceProtocol {
    let master: ClusterMaster

    func attend(
        request: RPCAsyncSequence<Shoal_V1_WorkerMessage, any Error>, response: RPCWriter<Shoal_V1_MasterMessage>,
        context: ServerContext
    ) async throws {
        let (worker, token) = try caller(context)
        try await master.attend(
            worker, token: token, address: context.peerHost ?? "", request: request, response: response)
    }

    func runJob(
        request: RPCAsyncSequence<Shoal_V1_JobEvent, any Error>, response: RPCWriter<Shoal_V1_JobRequest>,
        context: ServerContext
    ) async throws {
        let (worker, _) = try caller(context)
        try await master.runJob(worker, request: request, response: response)
    }

    /// The worker that calls, if its token is good.
    private func caller(_ context: ServerContext) throws(RPCError) -> (NodeID, ClusterTokenRecord) {
        guard let worker = context.worker else {
            throw RPCError(code: .permissionDenied, message: "only a worker with a cluster token may ask for this")
        }
        guard let token = master.tokens[worker.token], token.isActive else { throw .revoked }
        return (worker.id, token)
    }
}
