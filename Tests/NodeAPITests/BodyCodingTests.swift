import NodeAPI
import Testing

@Suite("Bodies of the node's interface")
struct BodyCodingTests {
    private struct Body: Codable {
        var someNumber: UInt64
        @Nullable var nothing: Int?
        var absent: Int?
        var byKey: [String: [Double]]
    }

    @Test("Keys are snake case in their order, and those of a map as they are, numbers in order")
    func keys() throws {
        let keys = ["10", "9", "Az", "1"]
        let body = Body(
            someNumber: 7, nothing: nil, absent: nil, byKey: Dictionary(uniqueKeysWithValues: keys.map { ($0, [0.5]) }))
        #expect(
            try BodyCoding.encode(body)
                == #"{"some_number":7,"nothing":null,"by_key":{"1":[0.5],"9":[0.5],"10":[0.5],"Az":[0.5]}}"#)
    }
}
