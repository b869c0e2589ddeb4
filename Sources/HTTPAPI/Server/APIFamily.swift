/// Routes that belong together: they write errors alike, and count against the same limit of requests.
struct APIFamily: Sendable {
    /// What requests count against; see ``RateLimits``.
    enum RateClass: Sendable {
        case administration, inference
    }

    /// What paths of the family begin with. It decides for paths that no route has; the longest prefix wins.
    let prefixes: [String]
    let errors: any ErrorEnvelope
    /// Nil for what may be asked as often as anybody likes.
    let rateClass: RateClass?

    /// Health, metrics, the contract, and every path that is nobody's.
    static let base = APIFamily(prefixes: [""], errors: OpenAIErrors(), rateClass: nil)
    /// OpenAI's API, and what llama-server has beside it.
    static let openAI = APIFamily(prefixes: ["/v1/"], errors: OpenAIErrors(), rateClass: .inference)
    /// The node and its swarm, and whoever logs in.
    static let node = APIFamily(prefixes: ["/api/", "/admin/"], errors: OpenAIErrors(), rateClass: .administration)
    /// Users, clusters and trainings.
    static let cluster = APIFamily(
        prefixes: ["/admin/api", "/api/admin/cluster_"], errors: ClusterErrors(), rateClass: .administration)
    /// LoRA files.
    static let compute = APIFamily(
        prefixes: ["/api/v1", "/admin/lora", "/lora", "/evaluation"], errors: ComputeErrors(),
        rateClass: .administration)
}

/// Some routes of one family.
protocol RouteGroup: Sendable {
    static var family: APIFamily { get }
    func add(to table: inout RouteTable)
}
