import Acquisition
import Jobs
import Logging
import ShoalTestSupport
import Testing

@testable import Node

@Suite struct SettingsTests {
    /// An environment in which no file of this machine is found.
    private let bare = ["HOME": "/nowhere"]

    @Test func `without any source every setting has its default`() throws {
        let settings = try Settings.load(environment: bare)
        #expect(settings.node.dataDirectory == "/nowhere/.local/share/shoal")
        #expect(settings.api.host == "127.0.0.1")
        #expect(settings.api.port == 8800)
        #expect(settings.api.key == nil)
        #expect(settings.api.openReads)
        #expect(settings.swarm.host == "0.0.0.0")
        #expect(settings.swarm.port == 8801)
        #expect(settings.models.shardSizeMegabytes == 512)
        #expect(settings.node.region == nil)
        #expect(settings.node.contribution == .minimal)
        #expect(settings.resources.maximumDiskMegabytes == 50_000)
        #expect(settings.resources.schedule == .standard)
        #expect(
            settings.autoManage
                == Settings.AutoManage(
                    isEnabled: true, maximumStorageMegabytes: 0, interval: .seconds(300), maximumShards: 0,
                    maximumConcurrentDownloads: 3, prunes: true, pruneCooldown: .seconds(300), minimumReplicas: 2))
        #expect(settings.hub == Settings.Hub(stallLimit: .seconds(30), attempts: 6))
        #expect(
            settings.downloads
                == Settings.Downloads(attempts: 10, longestPause: .seconds(60), roomInterval: .seconds(5)))
        #expect(settings.files.root == "/nowhere/.local/share/shoal/files")
        #expect(
            settings.training
                == Settings.Training(
                    command: nil, environment: .standard, timeout: .seconds(86_400), maximumRunning: 1,
                    maximumQueued: 1000))
        #expect(settings.log.level == .info)
        #expect(settings.engine.binary.hasSuffix("/shoal-engine"))
        #expect(settings.node.nickname == nil)
        #expect(settings.unknownVariables.isEmpty)
    }

    @Test func `shares of callers are equal unless they are set`() throws {
        let standard = try Settings.load(environment: bare)
        #expect(standard.inference.callerPercent == 75)
        #expect(standard.inference.userWeight == standard.inference.nodeKeyWeight)
        #expect(standard.inference.userWeight == standard.inference.administratorWeight)
        #expect(standard.inference.weights.isEmpty)
        #expect(standard.api.bodyLimitMegabytes == 32)
        var environment = bare
        environment["SHOAL_INFERENCE_SHARE_WEIGHTS"] = "Ada=20, bob = 1"
        environment["SHOAL_INFERENCE_SHARE_WEIGHT_NODE_KEY"] = "30"
        let set = try Settings.load(environment: environment)
        #expect(set.inference.weights == ["ada": 20, "bob": 1])
        #expect(set.inference.nodeKeyWeight == 30)
    }

    @Test(
        "a weight that is none is refused, with what is allowed",
        arguments: ["ada", "ada=", "=1", "ada=0", "ada=1001", "ada=1.5", "ada=1,ADA=2", "ada=1=2"])
    func badWeights(text: String) throws {
        var environment = bare
        environment["SHOAL_INFERENCE_SHARE_WEIGHTS"] = text
        let error = #expect(throws: SettingsError.self) { try Settings.load(environment: environment) }
        #expect(error?.message.contains("ada=20, bob=5") == true)
    }

    @Test func `flags win over the environment, which wins over the file, which wins over the default`() async throws {
        try await withTemporaryFolder { directory in
            try write("api:\n  port: 1\n", to: directory + "/shoal.yaml")
            var environment = bare
            environment["SHOAL_DATA_DIR"] = directory
            #expect(try Settings.load(environment: environment).api.port == 1)
            environment["SHOAL_API_PORT"] = "2"
            #expect(try Settings.load(environment: environment).api.port == 2)
            #expect(try Settings.load(flags: ["api.port": "3"], environment: environment).api.port == 3)
            #expect(try Settings.load(environment: environment).swarm.port == 8801)
        }
    }

    @Test func `what nodes keep by themselves, and when, can be set in the file`() async throws {
        try await withTemporaryFolder { directory in
            let text = """
                node:
                  region: attic
                  contribution: moderate
                resources:
                  max_disk_mb: 100
                  schedule:
                    enabled: true
                    reduced_hours_start: 23
                auto_manage:
                  enabled: false
                  interval_minutes: 7
                  prune_cooldown_secs: 60
                files:
                  root: ~/sets
                training:
                  command: python3 '/srv/my trainer.py' --rank 16  # split, and no shell
                  timeout_seconds: 90.5
                  environment: HF_HOME, NCCL_*

                """
            try write(text, to: directory + "/shoal.yaml")
            let settings = try Settings.load(environment: ["SHOAL_DATA_DIR": directory, "HOME": directory])
            #expect(settings.node.region == "attic")
            #expect(settings.node.contribution == .moderate)
            #expect(settings.resources.maximumDiskMegabytes == 100)
            #expect(settings.resources.schedule.isEnabled)
            #expect(settings.resources.schedule.reducedHoursStart == 23)
            #expect(settings.resources.schedule.reducedHoursEnd == 8)
            #expect(!settings.autoManage.isEnabled)
            #expect(settings.autoManage.interval == .seconds(420))
            #expect(settings.autoManage.pruneCooldown == .seconds(60))
            #expect(settings.files.root == directory + "/sets")
            #expect(settings.training.command?.words == ["python3", "/srv/my trainer.py", "--rank", "16"])
            #expect(settings.training.timeout == .seconds(90.5))
            #expect(settings.training.environment.more == ["HF_HOME", "NCCL_*"])
        }
    }

    @Test func `an empty environment variable counts as none`() throws {
        var environment = bare
        environment["SHOAL_API_PORT"] = ""
        #expect(try Settings.load(environment: environment).api.port == 8800)
    }

    @Test func `a file given by name is used instead of the one in the data directory, and may name that`() async throws
    {
        try await withTemporaryFolder { directory in
            let file = directory + "/other.yaml"
            try write("# mine\nnode:\n  data_dir: \(directory)/data\n  nickname: heron\nlog:\n", to: file)
            let settings = try Settings.load(environment: bare, configurationFile: file)
            #expect(settings.node.dataDirectory == directory + "/data")
            #expect(settings.node.nickname == "heron")
        }
    }

    @Test(arguments: [
        ("SHOAL_API_PORT", "65536", "0 to 65535"), ("SHOAL_API_PORT", "http", "0 to 65535"),
        ("SHOAL_API_PORT", "-1", "0 to 65535"), ("SHOAL_SWARM_PORT", "8801.5", "0 to 65535"),
        ("SHOAL_API_HOST", "127.0.0.1:80", "without a port"), ("SHOAL_API_HOST", "a b", "without a port"),
        ("SHOAL_API_OPEN_READS", "maybe", "true or false"), ("SHOAL_LOG_LEVEL", "loud", "trace, debug, info"),
        ("SHOAL_LOG_FORMAT", "xml", "text, json"), ("SHOAL_ENGINE_WEIGHT_LAYOUT", "flat", "auto, plain, repacked"),
        ("SHOAL_ENGINE_GPU_LAYERS", "-2", "-1 to"), ("SHOAL_MODELS_SHARD_SIZE_MB", "0", "1 to 65536"),
        ("SHOAL_NODE_NICKNAME", "a\u{7}b", "printable"), ("SHOAL_SWARM_ADVERTISE", "heron", "host:port"),
        ("SHOAL_SWARM_JOIN", "http://x", "swarm://"), ("SHOAL_NODE_REGION", "a\u{7}b", "control characters"),
        ("SHOAL_NODE_CONTRIBUTION", "some", "minimal, moderate, maximum"),
        ("SHOAL_RESOURCES_MAX_DISK_MB", "0", "1 to"), ("SHOAL_AUTO_MANAGE_ENABLED", "perhaps", "true or false"),
        ("SHOAL_AUTO_MANAGE_INTERVAL_MINUTES", "0", "1 to 10080"), ("SHOAL_AUTO_MANAGE_MIN_REPLICAS", "0", "1 to"),
        ("SHOAL_RESOURCES_SCHEDULE_REDUCED_HOURS_START", "24", "0 to 23"),
        ("SHOAL_RESOURCES_SCHEDULE_PRUNE_AGGRESSIVENESS", "mild", "normal, aggressive, conservative"),
        ("SHOAL_API_REQUEST_TIMEOUT_SECONDS", "nan", "seconds from"),
        ("SHOAL_HUB_STALL_SECONDS", "0", "seconds from"), ("SHOAL_HUB_ATTEMPTS", "0", "1 to 1000"),
        ("SHOAL_DOWNLOADS_ATTEMPTS", "many", "1 to 1000000"),
        ("SHOAL_DOWNLOADS_LONGEST_PAUSE_SECONDS", "-1", "seconds from"),
        ("SHOAL_DOWNLOADS_ROOM_INTERVAL_SECONDS", "0", "seconds from"),
        ("SHOAL_TRAINING_COMMAND", "train 'it", "in quotes"), ("SHOAL_TRAINING_COMMAND", "[]", "in quotes"),
        ("SHOAL_TRAINING_ENVIRONMENT", "HF_HOME,SHOAL_API_KEY", "names of"),
        ("SHOAL_TRAINING_TIMEOUT_SECONDS", "0", "seconds from"), ("SHOAL_TRAINING_MAXIMUM_RUNNING", "0", "1 to 64"),
        ("SHOAL_TRAINING_MAXIMUM_QUEUED", "-5", "1 to"), ("SHOAL_FILES_ROOT", "a\u{0}b", "a path"),
    ])
    func `a value that is not allowed is refused by key, value, source and what is allowed`(
        variable: String, value: String, allowed: String
    ) throws {
        var environment = bare
        environment[variable] = value
        let error = try #require(throws: SettingsError.self) { try Settings.load(environment: environment) }
        let key = try #require(error.key)
        #expect(SettingsSources.variableName(key) == variable)
        #expect(error.code == .invalidValue)
        for part in [key, variable, allowed] { #expect(error.message.contains(part), "\(error.message)") }
        if key != "swarm.join" { #expect(error.message.contains(value)) }
    }

    @Test func `a secret is never repeated in an error`() throws {
        var environment = bare
        environment["SHOAL_API_KEY"] = "hunter2 is short"
        let error = try #require(throws: SettingsError.self) { try Settings.load(environment: environment) }
        #expect(!error.message.contains("hunter2"))
        #expect(error.message.contains("SHOAL_API_KEY"))
    }

    @Test(arguments: [
        ("api:\n  prot: 1\n", "api.prot", "did you mean api.port?", 2),
        ("node:\n  nickname: a\n  dir: x\n", "node.dir", "node.data_dir", 3),
        ("colour: blue\n", "colour", "the sections are accounts, api,", 1),
    ])
    func `an unknown key of the file is refused by name, line and the nearest key`(
        text: String, key: String, suggestion: String, line: Int
    ) async throws {
        try await withTemporaryFolder { directory in
            try write(text, to: directory + "/shoal.yaml")
            let error = try #require(throws: SettingsError.self) {
                try Settings.load(environment: ["SHOAL_DATA_DIR": directory])
            }
            #expect(error.code == .unknownKey)
            #expect(error.key == key)
            #expect(error.message.contains(suggestion), "\(error.message)")
            #expect(error.message.contains("shoal.yaml:\(line)"), "\(error.message)")
        }
    }

    @Test(arguments: ["- a\n- b\n", "just words\n", "api: [1, 2\n", "api:\n\tport: 1\n", "api:\n  port: [1, 2]\n"])
    func `a file that is no settings file is refused by its path`(text: String) async throws {
        try await withTemporaryFolder { directory in
            try write(text, to: directory + "/shoal.yaml")
            let error = try #require(throws: SettingsError.self) {
                try Settings.load(environment: ["SHOAL_DATA_DIR": directory])
            }
            #expect(error.message.contains(directory + "/shoal.yaml"), "\(error.message)")
        }
    }

    @Test func `a file that is named and missing is an error`() throws {
        let error = try #require(throws: SettingsError.self) {
            try Settings.load(environment: bare, configurationFile: "/nowhere/shoal.yaml")
        }
        #expect(error.message.contains("/nowhere/shoal.yaml"))
        #expect(error.code == .unreadableFile)
    }

    @Test func `the file in the data directory cannot name another data directory`() async throws {
        try await withTemporaryFolder { directory in
            try write("node:\n  data_dir: /elsewhere\n", to: directory + "/shoal.yaml")
            let error = try #require(throws: SettingsError.self) {
                try Settings.load(environment: ["SHOAL_DATA_DIR": directory])
            }
            #expect(error.key == "node.data_dir")
        }
    }

    @Test func `a misspelt environment variable is noticed`() throws {
        var environment = bare
        environment["SHOAL_API_PROT"] = "1"
        environment["SHOAL_URL"] = "http://127.0.0.1:1"
        #expect(try Settings.load(environment: environment).unknownVariables == ["SHOAL_API_PROT"])
    }

    private func write(_ text: String, to path: String) throws {
        try SmallFile.write(Array(text.utf8), to: path)
    }
}
