import JSON
import OrderedCollections

/// Encodes a body as a JSON value whose keys stand in the order in which its properties are declared, which Foundation's encoder loses.
struct BodyEncoder: Encoder {
    /// Where a container puts what it is given.
    private final class Target {
        var value = JSONValue.null
    }

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private let target: Target

    static func json(of body: some Encodable) throws -> JSONValue {
        if let map = body as? [String: any Encodable] {
            // Its keys are no properties. Shorter ones first, so that numbers stand in their order.
            var fields: [(String, JSONValue)] = []
            for (key, value) in map.sorted(by: { ($0.key.utf8.count, $0.key) < ($1.key.utf8.count, $1.key) }) {
                fields.append((key, try json(of: value)))
            }
            return .object(fields)
        }
        let target = Target()
        try body.encode(to: BodyEncoder(target: target))
        return target.value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        target.value = .object([])
        return KeyedEncodingContainer(Fields(target: target))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        target.value = .array([])
        return Elements(target: target)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Scalar(target: target) }

    private struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let codingPath: [any CodingKey] = []
        let target: Target

        mutating func encodeNil(forKey key: Key) { set(.null, key) }
        mutating func encode(_ value: some Encodable, forKey key: Key) throws {
            set(try BodyEncoder.json(of: value), key)
        }

        private func set(_ value: JSONValue, _ key: Key) {
            guard case .object(var fields) = target.value else { return }
            target.value = .null
            fields[BodyCoding.snakeCase(key.stringValue)] = value
            target.value = .object(fields)
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> { BodyEncoder.noNesting() }
        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            BodyEncoder.noNesting()
        }
        mutating func superEncoder() -> any Encoder { BodyEncoder.noNesting() }
        mutating func superEncoder(forKey key: Key) -> any Encoder { BodyEncoder.noNesting() }
    }

    private struct Elements: UnkeyedEncodingContainer {
        let codingPath: [any CodingKey] = []
        var count = 0
        let target: Target

        init(target: Target) { self.target = target }

        mutating func encodeNil() { append(.null) }
        mutating func encode(_ value: some Encodable) throws { append(try BodyEncoder.json(of: value)) }

        private mutating func append(_ value: JSONValue) {
            guard case .array(var elements) = target.value else { return }
            target.value = .null
            elements.append(value)
            target.value = .array(elements)
            count += 1
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) -> KeyedEncodingContainer<Nested> { BodyEncoder.noNesting() }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { BodyEncoder.noNesting() }
        mutating func superEncoder() -> any Encoder { BodyEncoder.noNesting() }
    }

    private struct Scalar: SingleValueEncodingContainer {
        let codingPath: [any CodingKey] = []
        let target: Target

        mutating func encodeNil() { target.value = .null }
        mutating func encode(_ value: Bool) { target.value = .bool(value) }
        mutating func encode(_ value: String) { target.value = .string(value) }
        mutating func encode(_ value: Double) { target.value = .number(value) }
        mutating func encode(_ value: Float) { target.value = .number(Double(value)) }

        mutating func encode(_ value: some Encodable) throws {
            if let integer = value as? any BinaryInteger {
                target.value = .integer(Int(clamping: integer))
            } else {
                target.value = try BodyEncoder.json(of: value)
            }
        }
    }

    /// What the compiler makes of bodies asks for none of this.
    private static func noNesting<Container>() -> Container {
        preconditionFailure("a body writes nothing but its properties")
    }
}
