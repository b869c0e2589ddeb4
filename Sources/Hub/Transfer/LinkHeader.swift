/// The `Link` header of answers that come in pages (RFC 8288).
enum LinkHeader {
    /// The address of the next page; nil on the last one.
    static func next(_ headers: [String]) -> String? {
        for header in headers {
            var rest = Substring(header)
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let address = rest[rest.index(after: open)..<close]
                rest = rest[rest.index(after: close)...]
                // The link's parameters reach to the comma before the next link.
                let end = rest.firstIndex(of: "<") ?? rest.endIndex
                for parameter in rest[..<end].split(whereSeparator: { $0 == ";" || $0 == "," }) {
                    let sides = parameter.split(separator: "=", maxSplits: 1)
                    guard sides.count == 2, sides[0].filter({ $0 != " " }).lowercased() == "rel" else { continue }
                    let relations = sides[1].filter { $0 != "\"" }.lowercased().split(separator: " ")
                    if relations.contains("next"), !address.isEmpty { return String(address) }
                }
                rest = rest[end...]
            }
        }
        return nil
    }
}
