import GRPCCore
import GRPCProtobuf

/// The one call that every listener answers: proof that the connection stands, and its first round trip.
struct LinkHello: RegistrableRPCService {
    static let method = MethodDescriptor(fullyQualifiedService: "shoal.v1.Link", method: "Hello")

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Self.method,
            deserializer: ProtobufDeserializer<Shoal_V1_Ping>(),
            serializer: ProtobufSerializer<Shoal_V1_Ping>()
        ) { request, _ in
            let single = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: single.message))
        }
    }

    /// - Throws: `RPCError`.
    static func call(_ client: GRPCClient<some ClientTransport>) async throws {
        try await client.unary(
            request: ClientRequest(message: Shoal_V1_Ping()),
            descriptor: method,
            serializer: ProtobufSerializer<Shoal_V1_Ping>(),
            deserializer: ProtobufDeserializer<Shoal_V1_Ping>(),
            options: .defaults
        ) { response in
            _ = try response.message
        }
    }
}
