import Catalogue
import HTTPTypes
import Hummingbird
import NIOCore

/// The list of models as text, kept until the list is another one: pages ask for it often, and with many shards it is large.
actor RenderedModels {
    /// Smaller lists are sent as they are.
    private static let smallestCompressed = 4096

    private struct Rendering {
        var version: UInt64?
        var plain: ByteBuffer
        /// Made when somebody asks for it first.
        var compressed: ByteBuffer?
    }

    private var latest: Rendering?

    /// The answer to a client that sent these headers.
    func response(_ list: ModelSummaryList, to headers: HTTPFields) -> Response {
        var rendering = rendering(of: list)
        var response = Response.json(rendering.plain)
        guard rendering.plain.readableBytes >= Self.smallestCompressed else { return response }
        response.headers[.vary] = "Accept-Encoding"
        guard Gzip.isAccepted(by: headers) else { return response }
        if rendering.compressed == nil {
            rendering.compressed = Gzip.compress(rendering.plain)
            latest = rendering
        }
        guard let compressed = rendering.compressed else { return response }
        response.headers[.contentEncoding] = "gzip"
        response.body = .init(byteBuffer: compressed)
        return response
    }

    private func rendering(of list: ModelSummaryList) -> Rendering {
        if let latest, let version = list.version, latest.version == version { return latest }
        var text = JSONText()
        text.models(list.models)
        let rendering = Rendering(version: list.version, plain: text.buffer)
        latest = rendering
        return rendering
    }
}
