import Acquisition
import Cluster
import Generation
import Inference
import Jobs
import Link
import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Settings {
    /// Reads the settings of a node.
    ///
    /// - Parameters:
    ///   - flags: Values from the command line, by setting key (`api.port`).
    ///   - environment: The process's environment.
    ///   - configurationFile: A settings file to use instead of `<data directory>/shoal.yaml`; must exist.
    /// - Throws: `SettingsError`.
    package static func load(
        flags: [String: String] = [:], environment: [String: String], configurationFile: String? = nil
    ) throws -> Settings {
        let file = try configurationFile.map { try SettingsFile(path: absolutePath($0, environment: environment)) }
        var reader = SettingsReader(sources: SettingsSources(flags: flags, environment: environment, file: file))
        let dataDirectory = try reader.dataDirectory(environment: environment)
        guard file == nil else { return try Settings(from: reader, dataDirectory: dataDirectory, environment) }

        let ownPath = dataDirectory + "/shoal.yaml"
        guard FileManager.default.fileExists(atPath: ownPath) else {
            return try Settings(from: reader, dataDirectory: dataDirectory, environment)
        }
        let ownFile = try SettingsFile(path: ownPath)
        if ownFile.keys.contains("node.data_dir") {
            throw SettingsError(
                code: .invalidValue,
                key: "node.data_dir",
                message: "setting node.data_dir cannot stand in \(ownPath), which is itself found through it; "
                    + "use --data-dir, SHOAL_DATA_DIR or a file given with --config"
            )
        }
        reader = SettingsReader(sources: SettingsSources(flags: flags, environment: environment, file: ownFile))
        _ = try reader.dataDirectory(environment: environment)
        return try Settings(from: reader, dataDirectory: dataDirectory, environment)
    }

    /// The data directory alone, for commands that need nothing else.
    package static func dataDirectory(flag: String?, environment: [String: String]) throws -> String {
        let flags = flag.map { ["node.data_dir": $0] } ?? [:]
        var reader = SettingsReader(sources: SettingsSources(flags: flags, environment: environment))
        return try reader.dataDirectory(environment: environment)
    }

    private init(
        from start: SettingsReader, dataDirectory: String, _ environment: [String: String]
    ) throws {
        var reader = start
        node = Node(
            dataDirectory: dataDirectory, nickname: try reader.nickname(), region: try reader.region(),
            contribution: try reader.choice("node.contribution", default: .minimal))
        api = API(
            host: try reader.host("api.host", default: "127.0.0.1"),
            port: try reader.integer("api.port", default: 8800, in: 0...65535),
            key: try reader.apiKey(),
            openReads: try reader.flag("api.open_reads", default: true),
            metricsNeedKey: try reader.flag("api.metrics_auth_required", default: false),
            inferenceRequestsPerMinute: try reader.integer("api.rate_limit_rpm", default: 60, in: 0...1_000_000),
            adminRequestsPerMinute: try reader.integer("api.rate_limit_admin_rpm", default: 200, in: 0...1_000_000),
            limitsLoopback: try reader.flag("api.rate_limit_loopback", default: false),
            trustedProxies: try reader.ipAddresses("api.trusted_proxies"),
            requestTimeout: try reader.seconds("api.request_timeout_seconds", default: 600, in: 1...604_800),
            bodyLimitMegabytes: try reader.integer("api.body_limit_mb", default: 32, in: 1...1024)
        )
        swarm = Swarm(
            host: try reader.host("swarm.host", default: "0.0.0.0"),
            port: try reader.integer("swarm.port", default: 8801, in: 0...65535),
            advertisedAddresses: try reader.addresses("swarm.advertise"),
            joinCode: try reader.optional(
                "swarm.join", allowed: "an invite code (swarm://…), as “shoal invite” prints it", isSecret: true
            ) { $0.hasPrefix("swarm://") && $0.utf8.count <= 4096 ? $0 : nil }
        )
        engine = Engine(
            binary: try reader.path(
                "engine.binary", default: Settings.defaultEngineBinary(), environment: environment
            ),
            threads: try reader.integer("engine.threads", default: 0, in: 0...1024),
            gpuLayers: try reader.integer("engine.gpu_layers", default: -1, in: -1...65536),
            contextLength: try reader.integer("engine.context_length", default: 8192, in: 1...16_777_216),
            cacheCells: try reader.integer("engine.cache_cells", default: 0, in: 0...16_777_216),
            maximumSequences: try reader.integer("engine.maximum_sequences", default: 0, in: 0...256),
            chunkLength: try reader.integer("engine.chunk_length", default: 0, in: 0...65536),
            weightLayout: try reader.choice("engine.weight_layout", default: .auto)
        )
        accounts = Accounts(
            makesFirstAdministrator: try reader.flag("accounts.first_administrator", default: true))
        models = Models(shardSizeMegabytes: try reader.integer("models.shard_size_mb", default: 512, in: 1...65536))
        loras = LoRAs(
            maximumUploadMegabytes: try reader.integer("lora.maximum_upload_mb", default: 500, in: 1...1_048_576),
            maximumUploads: try reader.integer("lora.maximum_uploads", default: 64, in: 1...4096),
            maximumUploadMinutes: try reader.integer("lora.maximum_upload_minutes", default: 60, in: 1...10_080),
            maximumTotalMegabytes: try reader.integer(
                "lora.maximum_total_mb", default: 100_000, in: 0...1_073_741_824),
            minimumFreeMegabytes: try reader.integer("lora.minimum_free_mb", default: 256, in: 0...1_073_741_824))
        files = Files(
            root: try reader.path(
                "files.root", default: DataDirectory(path: dataDirectory).files, environment: environment))
        training = Training(
            command: try reader.optional(
                "training.command",
                allowed: "a command with its arguments, in quotes where they have spaces, or a JSON list of strings"
            ) { CommandWords($0) },
            environment: try reader.value(
                "training.environment", default: .standard,
                allowed: "names of environment variables between commas, as HF_HOME, NCCL_*; none of them SHOAL_…"
            ) { TrainerEnvironment($0) },
            timeout: try reader.seconds("training.timeout_seconds", default: 86_400, in: 1...31_536_000),
            maximumRunning: try reader.integer("training.maximum_running", default: 1, in: 1...64),
            maximumQueued: try reader.integer("training.maximum_queued", default: 1000, in: 1...1_000_000))
        hub = Hub(
            stallLimit: try reader.seconds("hub.stall_seconds", default: 30, in: 0.1...3600),
            attempts: try reader.integer("hub.attempts", default: 6, in: 1...1000))
        downloads = Downloads(
            attempts: try reader.integer("downloads.attempts", default: 10, in: 1...1_000_000),
            longestPause: try reader.seconds("downloads.longest_pause_seconds", default: 60, in: 0.1...86_400),
            roomInterval: try reader.seconds("downloads.room_interval_seconds", default: 5, in: 0.1...3600))
        cluster = Cluster(
            master: try reader.optional("cluster.master", allowed: "an address HOST:PORT") { text in
                LinkAddress(text).map { _ in text }
            },
            token: try reader.optional(
                "cluster.token", allowed: "a cluster token, as “shoal cluster token add” prints it", isSecret: true
            ) { ClusterToken($0) == nil ? nil : $0 },
            tokenFile: try reader.optional("cluster.token_file", allowed: "a path") { text in
                text.isEmpty || text.utf8.contains(0) ? nil : Settings.absolutePath(text, environment: environment)
            },
            hostname: try reader.optional(
                "cluster.hostname", allowed: "1 to 253 letters, digits, dots, hyphens and underscores"
            ) { Hostname($0)?.rawValue },
            weight: try reader.integer(
                "cluster.weight", default: WorkerDescription.standardWeight, in: WorkerDescription.weights))
        inference = Inference(
            maximumConcurrentRequests: try reader.integer(
                "inference.max_concurrent_requests", default: 32, in: 1...4096),
            callerPercent: try reader.integer("inference.caller_percent", default: 75, in: 1...100),
            userWeight: try reader.weight("inference.share_weight_user"),
            administratorWeight: try reader.weight("inference.share_weight_administrator"),
            nodeKeyWeight: try reader.weight("inference.share_weight_node_key"),
            weights: try reader.weights("inference.share_weights"),
            busyLimit: try reader.seconds("inference.busy_limit_seconds", default: 60, in: 0...3600)
        )
        resources = Resources(
            maximumMemoryMegabytes: try reader.integer("resources.max_ram_mb", default: 0, in: 0...1_073_741_824),
            maximumBandwidthMegabits: try reader.integer("resources.max_bandwidth_mbps", default: 0, in: 0...1_000_000),
            maximumDiskMegabytes: try reader.integer("resources.max_disk_mb", default: 50_000, in: 1...1_073_741_824),
            schedule: try reader.schedule()
        )
        autoManage = AutoManage(
            isEnabled: try reader.flag("auto_manage.enabled", default: true),
            maximumStorageMegabytes: try reader.integer(
                "auto_manage.max_storage_mb", default: 0, in: 0...1_073_741_824),
            interval: .seconds(60) * (try reader.integer("auto_manage.interval_minutes", default: 5, in: 1...10_080)),
            maximumShards: try reader.integer("auto_manage.max_shards", default: 0, in: 0...65_536),
            maximumConcurrentDownloads: try reader.integer(
                "auto_manage.max_concurrent_downloads", default: 3, in: 1...64),
            prunes: try reader.flag("auto_manage.prune_enabled", default: true),
            pruneCooldown: .seconds(
                try reader.integer("auto_manage.prune_cooldown_secs", default: 300, in: 0...604_800)),
            minimumReplicas: try reader.integer("auto_manage.min_replicas", default: 2, in: 1...1000)
        )
        log = Log(
            level: try reader.choice("log.level", default: .info),
            format: try reader.choice("log.format", default: .text)
        )
        unknownVariables = try reader.finish()
    }
}

extension SettingsReader {
    /// `node.data_dir`, else `~/.local/share/shoal`.
    fileprivate mutating func dataDirectory(environment: [String: String]) throws -> String {
        try path(
            "node.data_dir",
            default: Settings.absolutePath("~/.local/share/shoal", environment: environment),
            environment: environment
        )
    }

    fileprivate mutating func path(
        _ key: String, default fallback: @autoclosure () -> String, environment: [String: String]
    ) throws -> String {
        try value(key, default: fallback(), allowed: "a path") { text in
            text.isEmpty || text.utf8.contains(0) ? nil : Settings.absolutePath(text, environment: environment)
        }
    }

    fileprivate mutating func host(_ key: String, default fallback: String) throws -> String {
        try value(key, default: fallback, allowed: "a host name or an address to listen on, without a port") { text in
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }
            let hasPort = text.split(separator: ":", omittingEmptySubsequences: false).count == 2
            return (1...253).contains(text.utf8.count) && isPlain && !hasPort ? text : nil
        }
    }

    fileprivate mutating func nickname() throws -> String? {
        try optional("node.nickname", allowed: "a name of 1 to 64 printable characters") { text in
            let isPrintable = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            return (1...64).contains(text.count) && isPrintable ? text : nil
        }
    }

    fileprivate mutating func region() throws -> String? {
        try optional("node.region", allowed: "a name of 1 to 64 bytes, without control characters") { text in
            let isPrintable = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            return (1...64).contains(text.utf8.count) && isPrintable ? text : nil
        }
    }

    fileprivate mutating func schedule() throws -> ResourceSchedule {
        let standard = ResourceSchedule.standard
        return try ResourceSchedule(
            isEnabled: flag("resources.schedule.enabled", default: standard.isEnabled),
            reducedHoursStart: integer(
                "resources.schedule.reduced_hours_start", default: standard.reducedHoursStart, in: 0...23),
            reducedHoursEnd: integer(
                "resources.schedule.reduced_hours_end", default: standard.reducedHoursEnd, in: 0...23),
            reducedContribution: choice(
                "resources.schedule.reduced_contribution", default: standard.reducedContribution),
            pruneAggressiveness: choice(
                "resources.schedule.prune_aggressiveness", default: standard.pruneAggressiveness))
    }

    fileprivate mutating func apiKey() throws -> String? {
        try optional(
            "api.key", allowed: "16 to 256 characters of A–Z, a–z, 0–9, “-”, “_” and “.”", isSecret: true
        ) { text in
            let isPlain = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            return (16...256).contains(text.utf8.count) && isPlain ? text : nil
        }
    }

    fileprivate mutating func weight(_ key: String) throws -> Int {
        try integer(key, default: Share.standardWeight, in: Share.weights)
    }

    /// Users' names with weights, as "ada=20, bob=5".
    fileprivate mutating func weights(_ key: String) throws -> [String: Int] {
        let allowed =
            "users' names with weights from \(Share.weights.lowerBound) to \(Share.weights.upperBound), as “ada=20, bob=5”"
        return try value(key, default: [:], allowed: allowed) { text in
            var weights: [String: Int] = [:]
            for pair in text.split(separator: ",") {
                let parts = pair.split(separator: "=", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
                guard parts.count == 2, !parts[0].isEmpty, let weight = Int(parts[1]), Share.weights.contains(weight),
                    weights.updateValue(weight, forKey: parts[0].lowercased()) == nil
                else { return nil }
            }
            return weights
        }
    }

    /// IP addresses, separated by commas.
    fileprivate mutating func ipAddresses(_ key: String) throws -> [String] {
        try value(key, default: [], allowed: "IP addresses, separated by commas") { text in
            let parts = text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }
            return parts.allSatisfy { (try? SocketAddress(ipAddress: $0, port: 0)) != nil } && !parts.isEmpty
                ? parts : nil
        }
    }

    /// Addresses "host:port", separated by commas.
    fileprivate mutating func addresses(_ key: String) throws -> [String] {
        try value(key, default: [], allowed: "addresses “host:port”, separated by commas") { text in
            let parts = text.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
            let areAddresses = parts.allSatisfy { part in
                guard let colon = part.lastIndex(of: ":"), colon != part.startIndex,
                    let port = Int(part[part.index(after: colon)...])
                else { return false }
                return (1...65535).contains(port)
            }
            return areAddresses && !parts.isEmpty ? parts.map(String.init) : nil
        }
    }
}

extension Settings {
    /// Expands a leading `~` and makes the path absolute.
    package static func absolutePath(_ path: String, environment: [String: String]) -> String {
        var expanded = path
        if path == "~" || path.hasPrefix("~/") {
            let home =
                environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
                ?? FileManager.default.homeDirectoryForCurrentUser.path(percentEncoded: false)
            expanded = home + path.dropFirst(1)
        }
        if !expanded.hasPrefix("/") {
            expanded = FileManager.default.currentDirectoryPath + "/" + expanded
        }
        while expanded.count > 1, expanded.hasSuffix("/") { expanded.removeLast() }
        return expanded
    }

    /// The machine's whole name, as the kernel has it; empty when it has none.
    static func fullHostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `shoal-engine` beside the running program.
    fileprivate static func defaultEngineBinary() -> String {
        let directory = ownProgram.lastIndex(of: "/").map { String(ownProgram[..<$0]) } ?? "."
        return directory + "/shoal-engine"
    }

    /// Path of the running program.
    static var ownProgram: String {
        #if os(Linux)
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        #else
            var buffer = [CChar](repeating: 0, count: 4096)
            var size = UInt32(buffer.count)
            let link =
                _NSGetExecutablePath(&buffer, &size) == 0
                ? String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
        #endif
        return link ?? CommandLine.arguments.first ?? ""
    }
}
