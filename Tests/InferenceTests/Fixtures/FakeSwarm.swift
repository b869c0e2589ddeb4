import GGUF
import Generation
import Identifiers
import Inference
import Link
import Logging
import Synchronization
import Testing

/// Nodes with fake engines, as the source of a session's segments.
final class FakeSwarm: SegmentSource {
    /// A node that holds layers.
    struct Node: Sendable {
        let id: NodeID
        let engine: FakeEngine
        let runs: [LayerRange]
    }

    private struct State {
        var channels: [NodeID: LinkChannel] = [:]
        var investigated: [NodeID] = []
    }

    let layerCount: Int
    let nodes: [Node]
    /// Nodes that are gone for good when they fail.
    let mortals: Set<NodeID>
    private let state = Mutex(State())

    init(layerCount: Int = 4, nodes: [Node], mortals: Set<NodeID> = []) {
        self.layerCount = layerCount
        self.nodes = nodes
        self.mortals = mortals
    }

    static func id(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: number, count: NodeID.byteCount)))
    }

    /// Node `number`, holding `first ..< end`.
    static func node(_ number: UInt8, _ first: Int, _ end: Int, _ script: FakeEngine.Script = .init()) throws -> Node {
        Node(
            id: try id(number), engine: FakeEngine(script), runs: [try #require(LayerRange(first: first, end: end))])
    }

    var investigated: [NodeID] { state.withLock { $0.investigated } }

    /// Runs `body` while every node's engine serves.
    func serving<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await serve(nodes[...], body)
    }

    private func serve<Result: Sendable>(
        _ rest: ArraySlice<Node>, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let node = rest.first else { return try await body() }
        return try await node.engine.serving { channel in
            self.state.withLock { $0.channels[node.id] = channel }
            return try await self.serve(rest.dropFirst(), body)
        }
    }

    func snapshot(excluding excluded: Set<NodeID>) async throws -> PlanningSnapshot {
        PlanningSnapshot(
            model: "alphabet", layerCount: layerCount, coordinator: nodes[0].id,
            holders: nodes.map { .init(node: $0.id, nickname: "node \($0.id.bytes[0])", runs: $0.runs) },
            excluded: excluded)
    }

    func prepare(_ segment: Plan.Segment) async throws -> ReadySegment {
        let channel = try #require(state.withLock { $0.channels[segment.node] })
        let address = try #require(LinkAddress("127.0.0.1:\(segment.node.bytes[0])"))
        return ReadySegment(
            segment: segment, channel: channel, endpoint: .init(nodeID: segment.node, addresses: [address]))
    }

    func investigate(_ segment: Plan.Segment, isProven: Bool) async -> Bool {
        state.withLock { $0.investigated.append(segment.node) }
        return !mortals.contains(segment.node)
    }
}

/// Events in the order in which they came.
final class EventList: Sendable {
    private let list = Mutex<[GenerationEvent]>([])
    /// Ticks with every event.
    let ticks: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (ticks, continuation) = AsyncStream.makeStream() }

    func add(_ event: GenerationEvent) {
        list.withLock { $0.append(event) }
        continuation.yield()
    }

    var events: [GenerationEvent] { list.withLock { $0 } }

    var text: String {
        events.map { if case .text(let text, _) = $0 { text } else { "" } }.joined()
    }

    var tokens: [TokenInfo] {
        events.flatMap { event -> [TokenInfo] in if case .text(_, let tokens) = event { tokens } else { [] } }
    }

    /// The kinds of events, runs of texts as one.
    var outline: [String] {
        var outline: [String] = []
        for event in events {
            let name =
                switch event {
                case .started: "started"
                case .text: "text"
                case .reasoning: "reasoning"
                case .toolCall: "tool call"
                case .rerouted: "rerouted"
                case .finished: "finished"
                }
            if name != "text" || outline.last != "text" { outline.append(name) }
        }
        return outline
    }
}

extension FakeSwarm {
    /// What a session of `maximum` tokens after `prompt` letters needs.
    static func input(prompt count: Int = 3, maximum: Int = 10) -> SessionInput {
        var sampling = Shoal_V1_Sampling()
        sampling.topLogProbabilities = -1
        return SessionInput(
            requestID: "test", model: "alphabet", prompt: (0..<count).map { Int32(FakeEngine.letter($0)) },
            sampling: sampling, maximumTokens: maximum, contextLength: 100, vocabularySize: 256)
    }

    /// Runs a session to its end, while the engines serve.
    func run(
        _ input: SessionInput, silenceLimit: Duration = .seconds(3), into list: EventList = EventList()
    ) async throws -> GenerationSession.Ending {
        var settings = InferenceSettings(socketDirectory: "/nonexistent")
        settings.silenceLimit = silenceLimit
        settings.busyLimit = .seconds(5)
        return try await GenerationSession(
            input, source: self, settings: settings, logger: Logger(label: "test"), emit: list.add
        ).run()
    }
}
