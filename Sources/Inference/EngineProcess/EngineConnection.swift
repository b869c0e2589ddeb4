import GRPCCore
package import Link

/// A running engine process, as its daemon speaks to it.
package struct EngineConnection: Sendable {
    /// Counts the processes of a model: windows of an earlier one are gone.
    package let generation: Int
    package let processID: Int32
    /// The Unix socket.
    package let channel: LinkChannel
    /// Port of the TLS listener that other nodes' engines dial.
    package let port: Int
    package let description: Shoal_V1_ModelDescription

    package init(
        generation: Int, processID: Int32, channel: LinkChannel, port: Int, description: Shoal_V1_ModelDescription
    ) {
        self.generation = generation
        self.processID = processID
        self.channel = channel
        self.port = port
        self.description = description
    }
}

extension CallOptions {
    /// Options with a deadline for the whole call.
    static func within(_ timeout: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        return options
    }
}
