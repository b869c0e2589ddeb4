import Identifiers
import Link

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a master knows of its workers: a pure state machine, to be told what happened and when.
///
/// A worker is named by its token, its host name and its node id. Two machines of one host name under one token are two nodes,
/// which share the driver that the operator prefers; a node that calls again takes the place of its former stream.
struct ClusterRegistry: Sendable {
    /// The times and limits that it goes by.
    struct Rules: Sendable {
        /// How often a worker is heard of.
        var heartbeat: Duration = .seconds(5)
        /// Heartbeats that fail to come before a worker counts as lost.
        var missedHeartbeats = 3
        /// How long a node that is gone is still shown.
        var recentlySeconds = 86_400.0
        /// How long a node that is gone is kept, with its counters.
        var keptSeconds = 30 * 86_400.0
        /// How long a worker may take to accept a job.
        var acceptance: Duration = .seconds(10)
        /// How long a worker that failed at a job gets no other, as long as there are workers that did not: who fails at once has the least to do.
        var recovery: Duration = .seconds(15)
        /// How long a worker may say nothing of a job while somebody waits for its answer.
        var jobSilence: Duration = .seconds(60)
        /// How long a model is missed that only workers had which are gone: they may be starting anew.
        var missedSeconds = 600.0
        /// Models that may be missed at once.
        var maximumMissed = 1000
        /// Nodes that may be known at once; for one more, one that is gone is forgotten.
        var maximumNodes = 10_000
        /// What one answer may take in memory: more than any model writes, the likeliest tokens of a long prompt included.
        var maximumAnswerBytes = 256 << 20

        var silence: Duration { heartbeat * missedHeartbeats }
    }

    /// Which node.
    struct NodeKey: Hashable, Sendable {
        let token: ClusterTokenID
        let hostname: Hostname
        let node: NodeID
    }

    /// One stream with a worker; never used again for another one.
    struct SessionID: Hashable, Sendable {
        let number: UInt64
    }

    struct JobID: Hashable, Sendable {
        let number: UInt64
    }

    /// What is kept of a node over restarts.
    struct Record: Hashable, Sendable {
        var completedJobs = 0
        var lastSeen: Date
        var weight: Int
        var gpus: [WorkerGPU]
        /// The IP address that it was seen at; empty when there was none.
        var address: String
    }

    struct Session: Sendable {
        let id: SessionID
        var description: WorkerDescription
        let connected: Duration
        let connectedDate: Date
        var heard: Duration
        var processes: [WorkerProcess] = []
        /// What the worker says that it does, the jobs of others included.
        var reportedJobs = 0
        var isLeaving = false
        /// When it last failed at a job.
        var failed: Duration?
        /// When it was last given a job, by the number of that job.
        var lastJob: UInt64 = 0
        var jobs: Set<JobID> = []
    }

    /// A session that was just opened.
    struct Opening: Sendable {
        let session: SessionID
        /// The session that it takes the place of.
        let replaced: SessionID?
        /// The jobs of that one, which nobody does now.
        let abandoned: [JobID]
    }

    struct Node: Sendable {
        var record: Record
        var session: Session?
    }

    struct Job: Sendable {
        let node: NodeKey
        let session: SessionID
        let offered: Duration
        var isAccepted = false
    }

    struct DriverKey: Hashable, Sendable {
        let token: ClusterTokenID
        let hostname: Hostname
    }

    let rules: Rules
    private(set) var nodes: [NodeKey: Node] = [:]
    private(set) var drivers: [DriverKey: GPUDriver] = [:]
    private(set) var jobs: [JobID: Job] = [:]
    /// Jobs whose stream ended before they did, by the node that had them: what they answered may be whole already.
    private var abandoned: [JobID: NodeKey] = [:]
    /// Jobs of nodes that were forgotten.
    private(set) var retiredJobs = 0
    /// Models that nobody has any more, and since when.
    private var missed: [String: Date] = [:]
    /// Nodes whose record has to be written down.
    private var changed: Set<NodeKey> = []
    /// Nodes that were forgotten, and are to be deleted.
    private var forgotten: [NodeKey: Record] = [:]
    private var keyOfSession: [SessionID: NodeKey] = [:]
    private var sessionOfNode: [NodeID: SessionID] = [:]
    private var lastSession: UInt64 = 0
    private var lastJob: UInt64 = 0

    init(rules: Rules = Rules()) {
        self.rules = rules
    }

    /// Puts in what was written down before a restart.
    mutating func restore(
        _ records: [NodeKey: Record], drivers: [DriverKey: GPUDriver], retiredJobs: Int
    ) {
        nodes = records.mapValues { Node(record: $0) }
        self.drivers = drivers
        self.retiredJobs = retiredJobs
    }

    // MARK: - Streams

    /// A worker has called and described itself.
    ///
    /// - Returns: nil when as many nodes are connected as may be known.
    mutating func connected(
        _ node: NodeID, token: ClusterTokenID, as description: WorkerDescription, address: String, at now: Duration,
        date: Date
    ) -> Opening? {
        let key = NodeKey(token: token, hostname: description.hostname, node: node)
        guard nodes[key] != nil || makeRoom() else { return nil }
        let replaced = sessionOfNode[node]
        let abandoned = replaced.map { closed($0, date: date) } ?? []
        lastSession += 1
        let id = SessionID(number: lastSession)
        var record =
            nodes[key]?.record ?? Record(lastSeen: date, weight: description.weight, gpus: [], address: address)
        record.lastSeen = date
        record.address = address
        nodes[key] = Node(
            record: record,
            session: Session(
                id: id, description: description, connected: now, connectedDate: date, heard: now))
        keyOfSession[id] = key
        sessionOfNode[node] = id
        described(id, as: description)
        return Opening(session: id, replaced: replaced, abandoned: abandoned)
    }

    /// A worker describes itself anew. Its host name stays what it was.
    mutating func described(_ id: SessionID, as description: WorkerDescription) {
        update(id) { node in
            node.record.weight = description.weight
            node.record.gpus = description.gpus
            node.session?.description = description
        }
        if let key = keyOfSession[id] { changed.insert(key) }
    }

    /// A sign of life.
    ///
    /// - Returns: whether the session still stands.
    @discardableResult
    mutating func heard(
        _ id: SessionID, activeJobs: Int? = nil, processes: [WorkerProcess]? = nil, at now: Duration, date: Date
    ) -> Bool {
        update(id) { node in
            node.record.lastSeen = date
            node.session?.heard = now
            if let activeJobs { node.session?.reportedJobs = activeJobs }
            if let processes { node.session?.processes = processes }
        }
    }

    /// A worker takes no more jobs.
    mutating func leaving(_ id: SessionID) {
        update(id) { $0.session?.isLeaving = true }
    }

    /// A stream has ended, or is to.
    ///
    /// - Returns: the jobs that were under way on it, which nobody does now.
    mutating func closed(_ id: SessionID, date: Date) -> [JobID] {
        guard let key = keyOfSession.removeValue(forKey: id), let session = nodes[key]?.session else { return [] }
        if sessionOfNode[key.node] == id { sessionOfNode[key.node] = nil }
        nodes[key]?.session = nil
        changed.insert(key)
        miss(session.description.models, since: date)
        for job in session.jobs {
            jobs[job] = nil
            abandoned[job] = key
        }
        return session.jobs.sorted { $0.number < $1.number }
    }

    /// Sessions of which nothing was heard for too long.
    func lost(at now: Duration) -> [SessionID] {
        nodes.values.compactMap { node in
            guard let session = node.session, now - session.heard >= rules.silence else { return nil }
            return session.id
        }
    }

    /// Sessions that a token has let in.
    func sessions(of token: ClusterTokenID) -> [SessionID] {
        nodes.compactMap { $0.key.token == token ? $0.value.session?.id : nil }
    }

    /// Whose stream it is, as long as it stands.
    func key(of id: SessionID) -> NodeKey? { keyOfSession[id] }

    @discardableResult
    private mutating func update(_ id: SessionID, _ body: (inout Node) -> Void) -> Bool {
        guard let key = keyOfSession[id], var node = nodes[key] else { return false }
        // Taken out meanwhile, so that its parts are changed in place.
        nodes[key] = nil
        body(&node)
        nodes[key] = node
        return true
    }

    // MARK: - Jobs

    /// Finds a worker for a job and gives it to that one.
    ///
    /// - Parameter tried: nodes that have failed at it.
    /// - Returns: nil when there is no worker for it.
    mutating func assign(model: String, tried: Set<NodeID> = [], at now: Duration) -> (job: JobID, session: SessionID)?
    {
        let chosen = Dispatch.choose(
            from: nodes.compactMap { key, node in
                guard let session = node.session, !session.isLeaving, !tried.contains(key.node),
                    session.description.models.contains(where: { $0.id == model })
                else { return nil }
                return Dispatch.Candidate(
                    node: key.node, weight: session.description.weight,
                    hasFailed: session.failed.map { now - $0 < rules.recovery } ?? false,
                    activeJobs: max(session.jobs.count, session.reportedJobs), lastJob: session.lastJob)
            })
        guard let chosen, let session = sessionOfNode[chosen], let key = keyOfSession[session] else { return nil }
        lastJob += 1
        let job = JobID(number: lastJob)
        jobs[job] = Job(node: key, session: session, offered: now)
        update(session) { node in
            node.session?.jobs.insert(job)
            node.session?.lastJob = job.number
        }
        return (job, session)
    }

    /// A worker takes the job that it was offered.
    ///
    /// - Returns: whether it is this worker's to take.
    mutating func accepted(_ id: JobID, by node: NodeID) -> Bool {
        guard let job = jobs[id], job.node.node == node, !job.isAccepted else { return false }
        jobs[id]?.isAccepted = true
        return true
    }

    /// Jobs whose workers have not accepted them in time.
    func ignored(at now: Duration) -> [JobID] {
        jobs.compactMap { !$0.value.isAccepted && now - $0.value.offered >= rules.acceptance ? $0.key : nil }
    }

    /// A worker could not do a job, which has yet to end.
    mutating func failed(_ id: JobID, at now: Duration) {
        guard let job = jobs[id] else { return }
        update(job.session) { $0.session?.failed = now }
    }

    /// A job has ended. It is nobody's from then on; one that has ended before counts no more.
    ///
    /// - Parameter isCompleted: whether it was done, and not given up. A worker may be gone by the time that its answer has been read.
    mutating func ended(_ id: JobID, isCompleted: Bool) {
        if let key = abandoned.removeValue(forKey: id), isCompleted, nodes[key] != nil {
            nodes[key]?.record.completedJobs += 1
            changed.insert(key)
        }
        guard let job = jobs.removeValue(forKey: id) else { return }
        update(job.session) { node in
            node.session?.jobs.remove(id)
            guard isCompleted else { return }
            node.session?.failed = nil
            node.record.completedJobs += 1
        }
        if isCompleted { changed.insert(job.node) }
    }

    /// Models that workers have, each as the first of them by node id describes it.
    func models() -> [(model: WorkerModel, nodes: [NodeID])] {
        var found: [String: (model: WorkerModel, nodes: [NodeID])] = [:]
        for (key, node) in nodes.sorted(by: { $0.key.node < $1.key.node }) {
            guard let session = node.session, !session.isLeaving else { continue }
            for model in session.description.models { found[model.id, default: (model, [])].nodes.append(key.node) }
        }
        return found.values.sorted { $0.model.id < $1.model.id }
    }

    /// Whether any worker could be given a job of this model.
    func serves(_ model: String) -> Bool {
        nodes.values.contains { node in
            guard let session = node.session, !session.isLeaving else { return false }
            return session.description.models.contains { $0.id == model }
        }
    }

    /// Whether a worker had this model a short while ago, and none has it now.
    func misses(_ model: String, at date: Date) -> Bool {
        guard let since = missed[model] else { return false }
        return date.timeIntervalSince(since) <= rules.missedSeconds && !serves(model)
    }

    private mutating func miss(_ models: [WorkerModel], since date: Date) {
        missed = missed.filter { date.timeIntervalSince($0.value) <= rules.missedSeconds }
        for model in models where missed.count < rules.maximumMissed { missed[model.id] = date }
    }

    // MARK: - Drivers

    /// Prefers a driver on all nodes of a host name and token; nil for whatever there is.
    ///
    /// - Returns: the sessions to be told; nil when there never was such a node.
    mutating func setDriver(_ driver: GPUDriver?, hostname: Hostname, token: ClusterTokenID) -> [SessionID]? {
        let key = DriverKey(token: token, hostname: hostname)
        let matching = nodes.filter { $0.key.token == token && $0.key.hostname == hostname }
        guard !matching.isEmpty || drivers[key] != nil else { return nil }
        drivers[key] = driver
        return matching.values.compactMap { $0.session?.id }
    }

    /// The sessions of a host name and token, with the driver that is preferred there.
    func sessions(preferring key: DriverKey) -> [(session: SessionID, driver: GPUDriver?)] {
        keyOfSession.filter { $0.value.token == key.token && $0.value.hostname == key.hostname }
            .map { ($0.key, drivers[key]) }
    }

    /// Prefers again what was before.
    mutating func restoreDriver(_ driver: GPUDriver?, of key: DriverKey) { drivers[key] = driver }

    func driver(of key: NodeKey) -> GPUDriver? {
        drivers[DriverKey(token: key.token, hostname: key.hostname)]
    }

    // MARK: - Keeping

    /// Nodes whose records have changed in a way that must survive a crash, since this was last asked.
    mutating func takeChanged() -> [NodeKey: Record] {
        defer { changed = [] }
        return nodes.filter { changed.contains($0.key) }.mapValues(\.record)
    }

    /// Puts records back that could not be written down.
    mutating func keepChanged(_ keys: some Sequence<NodeKey>) {
        changed.formUnion(keys)
    }

    /// Marks the connected nodes, so that when they were last seen is written down with the next changes.
    mutating func markSeen() {
        changed.formUnion(keyOfSession.values)
    }

    /// Forgets nodes that have been gone for very long. What they did is still counted.
    mutating func forget(at date: Date) {
        for (key, node) in nodes
        where node.session == nil && date.timeIntervalSince(node.record.lastSeen) > rules.keptSeconds {
            forget(key)
        }
    }

    /// Nodes that were forgotten since this was last asked.
    mutating func takeForgotten() -> [NodeKey: Record] {
        defer { forgotten = [:] }
        return forgotten
    }

    /// Puts nodes back that could not be deleted.
    mutating func keepForgotten(_ records: [NodeKey: Record]) {
        forgotten.merge(records) { newer, _ in newer }
    }

    private mutating func forget(_ key: NodeKey) {
        guard let node = nodes.removeValue(forKey: key) else { return }
        changed.remove(key)
        retiredJobs += node.record.completedJobs
        forgotten[key] = node.record
    }

    /// Sees to it that one more node may be known: where there are too many, the one that has been gone for the longest time is forgotten, among those of the
    /// token that has the most of them, so that who comes under ever new names displaces only himself.
    ///
    /// - Returns: whether there is room.
    private mutating func makeRoom() -> Bool {
        guard nodes.count >= rules.maximumNodes else { return true }
        let gone = Dictionary(grouping: nodes.filter { $0.value.session == nil }, by: \.key.token)
        let most = gone.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }?.value
        guard let oldest = most?.min(by: { $0.value.record.lastSeen < $1.value.record.lastSeen }) else { return false }
        forget(oldest.key)
        return true
    }
}
