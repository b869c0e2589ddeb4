import Generation
import Inference

/// Counts in Prometheus' text format 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    /// The body of `GET /metrics`.
    static func describe(
        http: HTTPMetrics.Snapshot, connections: ConnectionRoster.Snapshot, node: NodeStatistics,
        models: [AvailableModel], version: String
    ) -> String {
        var output = PrometheusText()
        output.value("shoal_build_info", "gauge", "The running program.", 1, labels: [("version", version)])
        output.value("shoal_uptime_seconds", "gauge", "Time since the start.", node.uptime / .seconds(1))
        output.value("shoal_peers", "gauge", "Peers that are connected.", Double(node.connectedPeers))
        output.value("shoal_hosted_shards", "gauge", "Shards on this node's disk.", Double(node.hostedShards))
        output.value(
            "shoal_resident_memory_bytes", "gauge", "Memory of the daemon and its engines.",
            Double(node.hardware.residentBytes))
        output.add(node.inference)
        output.header("shoal_loaded_windows", "gauge", "Windows in this node's memory.")
        for model in models {
            let count = model.loadedWindows.count { $0.node == node.nodeID }
            output.sample("shoal_loaded_windows", Double(count), labels: [("model", model.id)])
        }
        output.add(connections)
        output.add(http)
        return output.text
    }

    private mutating func add(_ inference: InferenceStatistics) {
        value(
            "shoal_requests_total", "counter", "Generations and embeddings asked for here.",
            Double(inference.requestsMade))
        value(
            "shoal_requests_failed_total", "counter", "Generations that failed.", Double(inference.requestsFailed))
        value(
            "shoal_requests_active", "gauge", "Generations under way.", Double(inference.activeRequests))
        value(
            "shoal_forwards_served_total", "counter", "Sessions of other nodes served here.",
            Double(inference.forwardsServed))
        value(
            "shoal_reroutes_total", "counter", "Sessions that went on elsewhere after a loss.",
            Double(inference.reroutes))
        value("shoal_prompt_tokens_total", "counter", "Tokens of prompts.", Double(inference.promptTokens))
        value(
            "shoal_cached_prompt_tokens_total", "counter", "Tokens of prompts that were still there.",
            Double(inference.cachedTokens))
        value("shoal_completion_tokens_total", "counter", "Tokens produced.", Double(inference.completionTokens))
        value("shoal_prompt_seconds_total", "counter", "Time spent on prompts.", inference.promptSeconds)
        value("shoal_decode_seconds_total", "counter", "Time spent on decoding.", inference.decodeSeconds)
    }

    private mutating func add(_ connections: ConnectionRoster.Snapshot) {
        value("shoal_http_connections", "gauge", "HTTP connections that are open.", Double(connections.open))
        value(
            "shoal_http_connections_displaced_total", "counter",
            "Idle HTTP connections that were closed to make room.", Double(connections.displaced))
        value(
            "shoal_http_connections_refused_total", "counter", "HTTP connections that there was no room for.",
            Double(connections.refused))
    }

    private mutating func add(_ http: HTTPMetrics.Snapshot) {
        header("shoal_http_requests_total", "counter", "HTTP requests by route and status.")
        for (key, count) in http.requests.sorted(by: { $0.key < $1.key }) {
            sample(
                "shoal_http_requests_total", Double(count),
                labels: [("method", key.method), ("route", key.route), ("status", String(key.status))])
        }
        header("shoal_http_request_seconds", "histogram", "Time to the head of the answer.")
        for (route, histogram) in http.durations.sorted(by: { $0.key < $1.key }) {
            self.histogram("shoal_http_request_seconds", histogram, labels: [("route", route)])
        }
        header("shoal_first_token_seconds", "histogram", "From the request to the first token of a stream.")
        histogram("shoal_first_token_seconds", http.firstToken, labels: [])
        header("shoal_generation_seconds", "histogram", "From the request to the end of the answer.")
        histogram("shoal_generation_seconds", http.generation, labels: [])
    }

    private mutating func header(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func value(
        _ name: String, _ type: String, _ help: String, _ number: Double, labels: [(String, String)] = []
    ) {
        header(name, type, help)
        sample(name, number, labels: labels)
    }

    private mutating func sample(_ name: String, _ number: Double, labels: [(String, String)]) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(Self.text(of: number))\n"
    }

    private mutating func histogram(_ name: String, _ histogram: HTTPMetrics.Histogram, labels: [(String, String)]) {
        for (bound, count) in zip(HTTPMetrics.Histogram.bounds, histogram.counts) {
            sample("\(name)_bucket", Double(count), labels: labels + [("le", Self.text(of: bound))])
        }
        sample("\(name)_bucket", Double(histogram.count), labels: labels + [("le", "+Inf")])
        sample("\(name)_sum", histogram.sum, labels: labels)
        sample("\(name)_count", Double(histogram.count), labels: labels)
    }

    private static func text(of number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }
}
