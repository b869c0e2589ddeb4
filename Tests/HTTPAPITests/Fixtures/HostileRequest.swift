import FoundationEssentials
import HTTPTypes
import JSON

/// A request with a name, number or selection that no node may follow: one line of `Tests/hostile-requests.jsonl`, which
/// the end-to-end tests send too.
struct HostileRequest: Sendable, CustomStringConvertible {
    let why: String
    let method: HTTPRequest.Method
    let path: String
    let body: JSONValue?
    /// The field that the answer names; nil where the path leads to no route at all.
    let parameter: String?

    var description: String { "\(why): \(method.rawValue) \(path.prefix(100))" }

    static func all() throws -> [HostileRequest] {
        let root = #filePath.split(separator: "/").dropLast(4).reduce(into: "") { $0 += "/" + $1 }
        let text = try String(contentsOfFile: root + "/Tests/hostile-requests.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            let fields = try JSONValue(parsing: String(line))
            guard let why = fields["why"]?.string, let path = fields["path"]?.string,
                let method = fields["method"]?.string.flatMap({ HTTPRequest.Method($0) })
            else { throw ContractError(message: "no request: \(line)") }
            return HostileRequest(
                why: why, method: method, path: path, body: fields["body"], parameter: fields["param"]?.string)
        }
    }
}
