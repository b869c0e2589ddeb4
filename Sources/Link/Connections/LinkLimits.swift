import GRPCCore
import GRPCNIOTransportHTTP2

/// The sizes and times that both ends of every link keep to.
package struct LinkLimits: Sendable {
    /// Bytes of one message, both ways.
    package var messageBytes = 16 << 20
    /// Bytes in flight per stream and per connection before the reader has taken them.
    package var windowBytes = 16 << 20
    /// HTTP/2 frame size: large, because hidden states come in hundreds of kilobytes.
    package var frameBytes = 1 << 20
    /// How often a ping is sent, and how long its answer may take before the connection is given up. The second has to be the
    /// shorter one: each ping that the transport sends starts that wait anew.
    package var keepaliveTime: Duration = .seconds(4)
    package var keepaliveTimeout: Duration = .seconds(3)
    /// Connections that a listener keeps at once; one more is closed.
    package var connections = 1024
    /// Connections whose handshake is still running; with one more the oldest is closed.
    package var handshakes = 128
    package var handshakeTimeout: Duration = .seconds(10)
    /// Connections for shards that one member may have; one more is closed.
    package var shardConnectionsPerMember = 24
    /// Streams that one connection may have open.
    package var streamsPerConnection = 1024

    package init() {}

    /// Between daemons. What one sends faster than the other takes it waits there, once per request for a shard: 2 MiB on two
    /// requests keep 0.6 Gbit/s going over 50 ms.
    package static var betweenNodes: LinkLimits {
        var limits = LinkLimits()
        limits.windowBytes = 2 << 20
        return limits
    }

    var serverConfiguration: HTTP2ServerTransport.Posix.Config {
        .defaults { config in
            config.rpc.maxRequestPayloadSize = messageBytes
            config.http2.targetWindowSize = windowBytes
            config.http2.maxFrameSize = frameBytes
            config.http2.maxConcurrentStreams = streamsPerConnection
            config.connection.keepalive.time = keepaliveTime
            config.connection.keepalive.timeout = keepaliveTimeout
            config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .milliseconds(500)
            // Each token waits for its frame: nothing is held back to be sent with more.
            config.connection.flushCoalescing = nil
        }
    }

    var clientConfiguration: HTTP2ClientTransport.Posix.Config {
        .defaults { config in
            config.http2.targetWindowSize = windowBytes
            config.http2.maxFrameSize = frameBytes
            config.connection.keepalive = .init(time: keepaliveTime, timeout: keepaliveTimeout, allowWithoutCalls: true)
            config.connection.flushCoalescing = nil
            config.backoff = .init(initial: .milliseconds(200), max: .seconds(5), multiplier: 1.6, jitter: 0.2)
        }
    }

    /// The transport takes the size of the messages it *receives* from the limit for requests.
    var serviceConfiguration: ServiceConfig {
        ServiceConfig(methodConfig: [
            MethodConfig(
                names: [MethodConfig.Name(service: "")], maxRequestMessageBytes: messageBytes,
                maxResponseMessageBytes: messageBytes)
        ])
    }
}
