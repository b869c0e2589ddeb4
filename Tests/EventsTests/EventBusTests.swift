import Events
import Foundation
import Testing

struct EventBusTests {
    private func event(_ number: Int) -> NodeEvent {
        NodeEvent(.network(.peerConnected), "\(number)", at: Date(timeIntervalSince1970: 1))
    }

    @Test("every listener gets every event, in order")
    func listeners() async {
        let bus = EventBus()
        let streams = (0..<3).map { _ in bus.events() }
        for number in 0..<100 { bus.publish(event(number)) }
        bus.finish()
        for stream in streams {
            var messages: [String] = []
            for await event in stream { messages.append(event.message) }
            #expect(messages == (0..<100).map(String.init))
        }
    }

    @Test("a slow listener loses the oldest, and the history is bounded alike")
    func bounds() async {
        let bus = EventBus()
        let stream = bus.events()
        for number in 0..<1000 { bus.publish(event(number)) }
        #expect(bus.history.map(\.message) == (744..<1000).map(String.init))
        bus.finish()
        var messages: [String] = []
        for await event in stream { messages.append(event.message) }
        #expect(messages == (744..<1000).map(String.init))
    }

    @Test("the history comes first when asked for, then what is new")
    func replay() async {
        let bus = EventBus()
        bus.publish(event(0))
        let replaying = bus.events(replayingHistory: true)
        let live = bus.events()
        bus.publish(event(1))
        bus.finish()
        #expect(await replaying.reduce(into: []) { $0.append($1.message) } == ["0", "1"])
        #expect(await live.reduce(into: []) { $0.append($1.message) } == ["1"])
        #expect(await bus.events().reduce(into: []) { $0.append($1.message) } == [])
    }

    @Test(
        "every kind has its category, and in JSON what it has and nothing else",
        arguments: [
            (.model(.imported, m), "model model_imported", named),
            (.model(.found, m), "model model_found", named),
            (.model(.deleted, m), "model model_deleted", named),
            (
                .model(.loaded(layers: "0..<4", seconds: 0.5), id), "model model_loaded",
                ["model_id": "m", "detail_str": "0..<4", "detail_num": 0.5]
            ),
            (
                .model(.unloaded(layers: "0..<4", freedBytes: 12), id), "model model_unloaded",
                ["model_id": "m", "detail_str": "0..<4", "freed_bytes": 12]
            ),
            (
                .model(.loadFailed(layers: "0..<4"), id), "model model_load_failed",
                ["model_id": "m", "detail_str": "0..<4"]
            ),
            (.model(.probeStarted(repository: "o/n"), nil), "model hf_probe_started", ["detail_str": "o/n"]),
            (.model(.downloadStarted, m), "model download_started", named),
            (.model(.downloadPaused, m), "model download_paused", named),
            (.model(.downloadStalled, m), "model hf_download_stalled", named),
            (.model(.downloadCancelled, m), "model download_cancelled", named),
            (.model(.downloadCompleted(fromHub: true), m), "model hf_download_complete", named),
            (.model(.downloadCompleted(fromHub: false), m), "model download_complete", named),
            (.model(.downloadFailed(fromHub: true), m), "model hf_download_failed", named),
            (.model(.downloadFailed(fromHub: false), m), "model download_failed", named),
            (
                .model(.passedOver(reason: "untrusted"), id), "model auto_manage_passed_over",
                ["model_id": "m", "detail_str": "untrusted"]
            ),
            (
                .model(.trustChanged(to: "Pinned"), id), "model model_trust_changed",
                ["model_id": "m", "detail_str": "Pinned"]
            ),
            (.shard(.loaded, 3, id), "shard shard_loaded_memory", third),
            (.shard(.unloaded, 3, id), "shard shard_unloaded_memory", third),
            (.shard(.damaged, 3, id), "shard shard_damaged", third),
            (
                .shard(.deleted(freedBytes: 12, remaining: 0), 3, id), "shard shard_deleted",
                ["model_id": "m", "shard_index": 3, "freed_bytes": 12, "remaining_local_shards": 0]
            ),
            (.shard(.downloaded(fromPeers: true), 3, id), "shard shard_download_p2p", third),
            (.shard(.downloaded(fromPeers: false), 3, id), "shard shard_download_complete", third),
            (.shard(.downloadFailed, 3, id), "shard shard_download_failed", third),
            (.shard(.downloadStalled, 3, id), "shard hf_download_stalled", third),
            (
                .shard(.fetched(reason: "no_holder", sizeBytes: 7, holders: 0), 3, id), "shard auto_manage_fetch",
                [
                    "model_id": "m", "shard_index": 3, "detail_str": "no_holder", "detail_num": 7,
                    "holder_count_before": 0,
                ]
            ),
            (.shard(.fetchFailed, nil, id), "shard auto_manage_fetch_failed", ["model_id": "m"]),
            (
                .shard(
                    .pruned(reason: "over_replicated", freedBytes: 1, holdersBefore: 9, holdersAfter: 8, remaining: 2),
                    3, m), "shard shard_pruned",
                [
                    "model_id": "m", "model_name": "M", "shard_index": 3, "detail_str": "over_replicated",
                    "freed_bytes": 1, "holder_count_before": 9, "holder_count_after": 8, "remaining_local_shards": 2,
                ]
            ),
            (
                .shard(.pruneRefused(reason: "in use", holdersBefore: 9), 3, id), "shard shard_prune_refused",
                ["model_id": "m", "shard_index": 3, "detail_str": "in use", "holder_count_before": 9]
            ),
            (.inference(.started, model: "m"), "inference inference_request", ["model_id": "m"]),
            (
                .inference(.completed(tokens: 5), model: "m"), "inference inference_completed",
                ["model_id": "m", "detail_num": 5]
            ),
            (.inference(.endedEngine, model: "m"), "inference request_ended_engine", ["model_id": "m"]),
            (.network(.peerConnected), "network peer_connected", [:]),
            (.network(.peerDisconnected), "network peer_disconnected", [:]),
            (.network(.swarmLeft), "network swarm_left", [:]),
            (.training(.queued, job: "j"), "training training_queued", ["detail_str": "j"]),
            (.training(.started, job: "j"), "training training_started", ["detail_str": "j"]),
            (
                .training(.progress(0.25), job: "j"), "training training_progress",
                ["detail_str": "j", "detail_num": 0.25]
            ),
            (.training(.progress(nil), job: "j"), "training training_progress", ["detail_str": "j"]),
            (.training(.ended(state: "failed"), job: "j"), "training training_failed", ["detail_str": "j"]),
            (.system(.contributionChanged(to: "minimal")), "system contribution_changed", ["detail_str": "minimal"]),
        ] as [(NodeEvent.Content, String, [String: Leaf])])
    func json(content: NodeEvent.Content, kind: String, fields: [String: Leaf]) throws {
        var event = NodeEvent(content, "so it was", at: Date(timeIntervalSince1970: 1_700_000_000.25))
        var expected = fields.merging([
            "category": .text(String(kind.split(separator: " ")[0])),
            "kind": .text(String(kind.split(separator: " ")[1])),
            "message": "so it was", "timestamp": "2023-11-14T22:13:20.250Z",
        ]) { $1 }
        #expect(try Self.decoded(event) == expected)
        event.nodeID = "0123456789abcdef"
        event.toastLevel = .warning
        expected["node_id"] = "0123456789abcdef"
        expected["toast_level"] = "warning"
        #expect(try Self.decoded(event) == expected)
    }

    private static let m = EventModel(id: "m", name: "M")
    private static let id = EventModel(id: "m")
    private static let named: [String: Leaf] = ["model_id": "m", "model_name": "M"]
    private static let third: [String: Leaf] = ["model_id": "m", "shard_index": 3]

    private static func decoded(_ event: NodeEvent) throws -> [String: Leaf] {
        try JSONDecoder().decode([String: Leaf].self, from: JSONEncoder().encode(event))
    }
}

/// A text or a number.
enum Leaf: Sendable, Hashable, Decodable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
    ExpressibleByIntegerLiteral
{
    case text(String)
    case number(Double)

    init(stringLiteral text: String) { self = .text(text) }
    init(floatLiteral number: Double) { self = .number(number) }
    init(integerLiteral number: Int) { self = .number(Double(number)) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }
}
