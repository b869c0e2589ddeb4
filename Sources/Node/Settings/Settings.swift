package import Acquisition
package import Jobs
package import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything that can be set about a node, validated.
///
/// A setting `section.key` comes from the flag of `shoal serve` that stands for it, else from the environment variable
/// `SHOAL_<SECTION>_<KEY>`, else from `<data directory>/shoal.yaml`, else it has its default.
package struct Settings: Sendable, Equatable {
    /// The node itself.
    package struct Node: Sendable, Equatable {
        /// Absolute path of the directory that holds everything the node keeps.
        package var dataDirectory: String
        /// The name that other nodes and people see, at most 64 characters; nil: see `MachineName`.
        package var nickname: String?
        /// Where the node is, in a word that all nodes of the place share; nil: not said.
        package var region: String?
        /// How much of what it may use the node gives to the swarm.
        package var contribution: ContributionLevel
    }

    /// The HTTP interface.
    package struct API: Sendable, Equatable {
        package var host: String
        /// 0: any free port.
        package var port: Int
        /// The administrators' key; nil: the one in `<data directory>/api_key`, made when missing.
        package var key: String?
        /// Reading routes need no key on loopback.
        package var openReads: Bool
        /// `/metrics` needs the key even on loopback.
        package var metricsNeedKey: Bool
        /// Requests per minute and caller to the routes that compute; 0: no limit.
        package var inferenceRequestsPerMinute: Int
        /// Requests per minute and caller to the admin routes; 0: no limit.
        package var adminRequestsPerMinute: Int
        /// Callers on this machine are limited as well.
        package var limitsLoopback: Bool
        /// IP addresses of proxies whose `X-Forwarded-For` says where a request comes from.
        package var trustedProxies: [String]
        /// Longest time that an answer which is not streamed may take.
        package var requestTimeout: Duration
        /// The largest body of a request, megabytes (2^20 bytes); uploads of files have limits of their own.
        package var bodyLimitMegabytes: Int
    }

    /// The links to other nodes.
    package struct Swarm: Sendable, Equatable {
        package var host: String
        /// 0: any free port.
        package var port: Int
        /// Addresses "host:port" to tell other nodes instead of the ones that this machine has.
        package var advertisedAddresses: [String]
        /// An invite code to join with when the node starts.
        package var joinCode: String?
    }

    /// The engine processes that compute.
    package struct Engine: Sendable, Equatable {
        /// How an engine keeps weights in memory.
        package enum WeightLayout: String, Sendable, CaseIterable {
            /// What was measured to be faster.
            case auto
            case plain
            case repacked
        }

        /// Path of `shoal-engine`.
        package var binary: String
        /// Threads per engine; 0: one per processor core.
        package var threads: Int
        /// Layers to put on the GPU; -1: as many as fit.
        package var gpuLayers: Int
        /// Tokens that one session may have, prompt and answer together.
        package var contextLength: Int
        /// Cells of a window's key-value cache, shared by its sessions; 0: the engine chooses.
        package var cacheCells: Int
        /// Sequences alive at once in one window; 0: the engine chooses.
        package var maximumSequences: Int
        /// Tokens per prompt chunk; 0: the engine chooses.
        package var chunkLength: Int
        package var weightLayout: WeightLayout
    }

    /// Users and their credentials.
    package struct Accounts: Sendable, Equatable {
        /// Whether a first administrator gets a one-time password, shown at the start, while there is nobody who could log in as
        /// one.
        package var makesFirstAdministrator: Bool
    }

    /// Models and their shards.
    package struct Models: Sendable, Equatable {
        /// Size that an imported model is cut into shards of, megabytes (2^20 bytes).
        package var shardSizeMegabytes: Int
    }

    /// LoRA files.
    package struct LoRAs: Sendable, Equatable {
        /// The largest file that is taken in, megabytes (2^20 bytes).
        package var maximumUploadMegabytes: Int
        /// Uploads at once, of which a user may have a quarter.
        package var maximumUploads: Int
        /// How long an upload may take.
        package var maximumUploadMinutes: Int
        /// What all files may take, those in the bin with them, megabytes (2^20 bytes); 0 for any number.
        package var maximumTotalMegabytes: Int
        /// What uploads leave free of the disk, megabytes (2^20 bytes).
        package var minimumFreeMegabytes: Int
    }

    /// What clients may see of the machine's files.
    package struct Files: Sendable, Equatable {
        /// Absolute path of the one folder in which they may name files.
        package var root: String
    }

    /// Training jobs.
    package struct Training: Sendable, Equatable {
        /// What trains; nil: nothing does.
        package var command: CommandWords?
        /// Which variables of the node's environment it gets.
        package var environment: TrainerEnvironment
        /// Longest time of one job.
        package var timeout: Duration
        /// Jobs that run at once.
        package var maximumRunning: Int
        /// Jobs that wait in line.
        package var maximumQueued: Int
    }

    /// How patient the node is with the hub that it fetches models from.
    package struct Hub: Sendable, Equatable {
        /// Longest time without a byte of an answer, and until it begins.
        package var stallLimit: Duration
        /// Tries of one request that bring nothing before it fails.
        package var attempts: Int
    }

    /// How downloads go on after failures.
    package struct Downloads: Sendable, Equatable {
        /// Failures in a row that bring nothing before a shard counts as failed.
        package var attempts: Int
        /// Longest pause between two of them.
        package var longestPause: Duration
        /// How often a download that waits for room on the disk looks for it.
        package var roomInterval: Duration
    }

    /// The cluster that the machine works for, with `shoal worker`.
    package struct Cluster: Sendable, Equatable {
        /// Address "host:port" of the master's swarm port.
        package var master: String?
        package var token: String?
        /// A file that holds the token.
        package var tokenFile: String?
        /// The name that the master knows the machine by; nil: the one that it has.
        package var hostname: String?
        /// How much of the cluster's work it should get, beside the weights of the others.
        package var weight: Int
    }

    /// How requests are served.
    package struct Inference: Sendable, Equatable {
        /// Requests that generate at once; more wait in line.
        package var maximumConcurrentRequests: Int
        /// How many of a hundred of them one caller may have; what is left is for others who come.
        package var callerPercent: Int
        /// What callers count beside each other: users, administrators, the node key, and single users by name in lower case.
        package var userWeight: Int
        package var administratorWeight: Int
        package var nodeKeyWeight: Int
        package var weights: [String: Int]
        /// How long a request waits for room in a window that others fill.
        package var busyLimit: Duration
    }

    /// What the node may use of its machine.
    package struct Resources: Sendable, Equatable {
        /// Memory for loaded windows, megabytes (2^20 bytes); 0: what the machine has to spare.
        package var maximumMemoryMegabytes: Int
        /// What is sent of shards to other nodes, and what is received of them, each, in megabits (10^6) per second; 0: no
        /// limit.
        package var maximumBandwidthMegabits: Int

        /// The same in bytes per second.
        package var maximumBandwidthBytes: Int { maximumBandwidthMegabits * 125_000 }
        /// Disk that models may take, megabytes (2^20 bytes).
        package var maximumDiskMegabytes: Int
        /// The schedule that holds until one is set through the HTTP interface.
        package var schedule: ResourceSchedule
    }

    /// Which shards the node fetches and gives up without being asked.
    package struct AutoManage: Sendable, Equatable {
        package var isEnabled: Bool
        /// Models up to which shards are fetched, megabytes (2^20 bytes); 0: half of what models may take.
        package var maximumStorageMegabytes: Int
        package var interval: Duration
        /// Most shards of one model to hold; 0: no limit.
        package var maximumShards: Int
        /// Shards that are fetched at once.
        package var maximumConcurrentDownloads: Int
        /// Whether shards are given up that enough other nodes hold.
        package var prunes: Bool
        /// The pause between two prunes of a model; the times for which shards stay at least change in proportion.
        package var pruneCooldown: Duration
        /// The least number of nodes that should hold a shard.
        package var minimumReplicas: Int
    }

    /// What the node writes to standard error and to the log in its data directory.
    package struct Log: Sendable, Equatable {
        package enum Format: String, Sendable, CaseIterable { case text, json }

        package var level: Logger.Level
        package var format: Format

        /// The words for levels, from most to least detailed.
        package static var levels: [String] { Logger.Level.allCases.map(\.rawValue) }
        package static var formats: [String] { Format.allCases.map(\.rawValue) }
    }

    package var node: Node
    package var api: API
    package var swarm: Swarm
    package var engine: Engine
    package var accounts: Accounts
    package var models: Models
    package var loras: LoRAs
    package var files: Files
    package var training: Training
    package var hub: Hub
    package var downloads: Downloads
    package var cluster: Cluster
    package var inference: Inference
    package var resources: Resources
    package var autoManage: AutoManage
    package var log: Log
    /// Environment variables that begin with `SHOAL_` and are no setting: probably misspelt.
    package var unknownVariables: [String] = []
}
