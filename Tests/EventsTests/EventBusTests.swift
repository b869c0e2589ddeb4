import Events
import Foundation
import Testing

struct EventBusTests {
    private func event(_ number: Int) -> NodeEvent {
        NodeEvent(category: "test", kind: "counted", message: "\(number)", timestamp: Date(timeIntervalSince1970: 1))
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

    @Test("an event survives JSON, with snake-case keys and nothing that is absent")
    func encoding() throws {
        var event = NodeEvent(
            category: "shard", kind: "shard_deleted", message: "deleted",
            timestamp: Date(timeIntervalSince1970: 1_700_000_000.25), modelID: "m", toastLevel: .warning
        )
        event.freedBytes = 12
        let data = try JSONEncoder().encode(event)
        let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "category", "kind", "message", "timestamp", "model_id", "toast_level", "freed_bytes",
            ]
        )
        #expect(object["timestamp"] as? String == "2023-11-14T22:13:20.250Z")
        #expect(try JSONDecoder().decode(NodeEvent.self, from: data) == event)
    }
}
