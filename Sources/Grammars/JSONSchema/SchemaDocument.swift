import JSON
import OrderedCollections

/// A schema whose places have numbers, so that they can be compared, remembered and named at little cost.
struct SchemaDocument {
    /// A value in the document.
    private struct Node {
        let value: JSONValue
        let parent: Int
        /// Which member or element of the parent it is.
        let position: Int
        /// The number of its first member or element, once they have numbers.
        var firstChild: Int?
    }

    private var nodes: [Node]
    /// Schemas by the name that `$anchor` gives them; `nil` in it where a name is given twice.
    private var anchors: [String: Int?]?

    /// The whole document.
    static let root = 0

    init(_ value: JSONValue) { nodes = [Node(value: value, parent: -1, position: 0)] }

    subscript(place: Int) -> JSONValue { nodes[place].value }

    /// The places of the members of an object, or of the elements of an array.
    mutating func children(of place: Int) -> Range<Int> {
        if let first = nodes[place].firstChild { return first..<(first + count(of: place)) }
        let first = nodes.count
        nodes[place].firstChild = first
        switch nodes[place].value {
        case .object(let members):
            for (position, value) in members.values.enumerated() {
                nodes.append(Node(value: value, parent: place, position: position))
            }
        case .array(let elements):
            for (position, value) in elements.enumerated() {
                nodes.append(Node(value: value, parent: place, position: position))
            }
        default: break
        }
        return first..<nodes.count
    }

    private func count(of place: Int) -> Int {
        switch nodes[place].value {
        case .object(let members): members.count
        case .array(let elements): elements.count
        default: 0
        }
    }

    /// The place of a member; `nil` where there is none.
    mutating func member(_ key: String, of place: Int) -> Int? {
        guard let position = nodes[place].value.object?.index(forKey: key) else { return nil }
        return children(of: place).lowerBound + position
    }

    /// The place of a keyword's value. Generators write `null` for keywords that they leave out; only `const` means it.
    mutating func keyword(_ keyword: String, of place: Int) -> Int? {
        guard let value = member(keyword, of: place), !self[value].isNull || keyword == "const" else { return nil }
        return value
    }

    // MARK: - Pointers

    /// Longer pointers are shortened in messages.
    private static let longestToken = 100

    /// The place as a JSON pointer (RFC 6901) in a fragment, as error messages name it.
    func pointer(_ place: Int) -> String {
        var tokens: [String] = []
        var place = place
        while nodes[place].parent >= 0 {
            let parent = nodes[place].parent
            let position = nodes[place].position
            if case .object(let members) = nodes[parent].value {
                let key = members.keys[position]
                let shown = key.utf8.count > SchemaDocument.longestToken ? key.prefix(20) + "…" : key[...]
                tokens.append(
                    shown.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
                        .split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1"))
            } else {
                tokens.append(String(position))
            }
            place = parent
        }
        return (["#"] + tokens.reversed()).joined(separator: "/")
    }

    /// The place that a reference leads to: `#`, `#/…` or `#anchor`, within the schema in which it stands.
    ///
    /// - Returns: `nil` if there is no such place.
    mutating func resolve(_ reference: String, from place: Int) -> Int? {
        guard reference.utf8.first == UInt8(ascii: "#"), let text = SchemaDocument.percentDecoded(reference.dropFirst())
        else { return nil }
        if text.isEmpty { return base(of: place) }
        guard text.utf8.first == UInt8(ascii: "/") else { return anchor(text) }
        var current = base(of: place)
        for token in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            let key = SchemaDocument.unescaped(token)
            if case .array(let elements) = self[current] {
                guard let index = Int(key), elements.indices.contains(index), String(index) == key else { return nil }
                current = children(of: current).lowerBound + index
            } else {
                guard let next = member(key, of: current) else { return nil }
                current = next
            }
        }
        return current
    }

    /// The schema with an identifier of its own that is nearest around a place, or else the document.
    private func base(of place: Int) -> Int {
        var place = place
        while nodes[place].parent >= 0 {
            if let identifier = nodes[place].value["$id"]?.string, !identifier.hasPrefix("#") { return place }
            place = nodes[place].parent
        }
        return place
    }

    private mutating func anchor(_ name: String) -> Int? {
        if let anchors { return anchors[name] ?? nil }
        var found: [String: Int?] = [:]
        var open = [SchemaDocument.root]
        while let place = open.popLast() {
            if let name = self[place]["$anchor"]?.string {
                found.updateValue(found.keys.contains(name) ? nil : place, forKey: name)
            }
            open += children(of: place)
        }
        anchors = found
        return found[name] ?? nil
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `~1` is a slash and `~0` a tilde.
    private static func unescaped(_ token: some Sequence<UInt8>) -> String {
        var bytes: [UInt8] = []
        var isAfterTilde = false
        for byte in token {
            if isAfterTilde, byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") {
                bytes[bytes.count - 1] = byte == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/")
                isAfterTilde = false
            } else {
                bytes.append(byte)
                isAfterTilde = byte == UInt8(ascii: "~")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
