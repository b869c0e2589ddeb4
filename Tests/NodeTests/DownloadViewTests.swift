import NodeAPI
import Testing

@testable import ShoalCommands

@Suite struct DownloadViewTests {
    private static func download(shards count: Int, complete: Int = 1, state: DownloadState = .init("downloading"))
        -> DownloadBody
    {
        let shards = (0..<count).map { index in
            let state = index < complete ? "complete" : index == complete ? "downloading" : "pending"
            let downloaded: Int64 = index < complete ? 512_000_000 : index == complete ? 128_000_000 : 0
            return DownloadBody.Shard(
                index: index, state: state, progressPct: Int(downloaded / 5_120_000), downloadedBytes: downloaded,
                totalBytes: 512_000_000, source: index <= complete ? "peers" : nil)
        }
        return DownloadBody(
            modelId: "qwen3-8b.q4-k-m", modelName: "Qwen3 8B", state: state, source: "network", totalShards: count,
            downloadedShards: complete, verifiedShards: complete, failedShards: 0,
            totalBytes: Int64(count) * 512_000_000, downloadedBytes: shards.reduce(0) { $0 + $1.downloadedBytes },
            overallPct: 50, speedBytesPerSec: 52_300_000, etaSecs: 17, cancellable: true,
            startedAt: "2026-01-01T00:00:00Z", trigger: "user", log: [], shardDetails: shards)
    }

    @Test func `a download has a line for all of it and one for every shard`() {
        let lines = DownloadView(width: 80, height: 24).lines(Self.download(shards: 3))
        #expect(
            lines == [
                "qwen3-8b.q4-k-m  41 %  640 MB of 1.54 GB  52.3 MB/s  17 s left",
                "  shard 0 [████████████████████████████████] 512 MB, peers",
                "  shard 1 [████████························] 128 MB of 512 MB, peers",
                "  shard 2 [································] 512 MB, waiting",
            ])
    }

    @Test(arguments: [12, 20, 40, 80, 200], [3, 8, 24, 60])
    func `lines fit into every terminal`(width: Int, height: Int) {
        for count in [1, 3, 60, 700] {
            let failed = DownloadState("failed", reason: String(repeating: "the hub is away ", count: 20))
            for state in [DownloadState("downloading"), failed] {
                let download = Self.download(shards: count, complete: count / 2, state: state)
                let lines = DownloadView(width: width, height: height).lines(download)
                #expect(lines.count < max(height, 6), "\(lines.count) lines in \(height)")
                for line in lines { #expect(line.count < max(width, 3), "\(line)") }
            }
        }
    }

    @Test func `shards that do not fit are counted`() {
        let lines = DownloadView(width: 80, height: 10).lines(Self.download(shards: 60, complete: 20))
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("  shard 20 ["))
        #expect(lines[2] == "  20 complete, 39 waiting")
    }

    @Test func `lines are drawn again in place, and what is left over is wiped`() {
        var written: [String] = []
        var live = LiveLines { written.append($0) }
        live.draw(["a", "b"])
        live.draw(["c"])
        live.keep()
        live.draw(["d"])
        #expect(
            written == [
                "\r\u{1b}[2Ka\n\u{1b}[2Kb\n", "\u{1b}[2A\r\u{1b}[2Kc\n\u{1b}[J", "\r\u{1b}[2Kd\n",
            ])
    }

    @Test func `without a terminal every shard and every tenth is told once`() {
        var journal = DownloadJournal()
        let name = "qwen3-8b.q4-k-m"
        #expect(
            journal.lines(Self.download(shards: 3)) == [
                "\(name): shard 0 complete (512 MB from peers)", "\(name): 40 % (640 MB of 1.54 GB)",
            ])
        #expect(journal.lines(Self.download(shards: 3)) == [])
        #expect(
            journal.lines(Self.download(shards: 3, state: .init("paused", reason: "the disk is full")))
                == ["\(name): paused: the disk is full"])
        #expect(
            journal.lines(Self.download(shards: 3, complete: 3)) == [
                "\(name): shard 1 complete (512 MB from peers)", "\(name): shard 2 complete (512 MB from peers)",
                "\(name): 100 % (1.54 GB of 1.54 GB)",
            ])
    }

    @Test(arguments: [
        (#""downloading""#, DownloadState("downloading"), false), (#""complete""#, .init("complete"), true),
        (#"{"failed":{"reason":"gated"}}"#, .init("failed", reason: "gated"), true),
        (#"{"paused":{"reason":"the disk is full"}}"#, .init("paused", reason: "the disk is full"), false),
    ])
    func `states are words or objects with a reason`(json: String, state: DownloadState, isOver: Bool) throws {
        let read: DownloadState = try NodeClient.decode(Array(json.utf8))
        #expect(read == state)
        #expect(read.isOver == isOver)
    }
}

@Suite struct HubModelArgumentTests {
    @Test(
        arguments: [
            ("owner/name", "owner/name", nil, nil, nil),
            ("owner/name/sub/demo.gguf", "owner/name", "sub/demo.gguf", nil, nil),
            ("owner/name:Q4_K_M", "owner/name", nil, "Q4_K_M", nil),
            ("https://huggingface.co/owner/name", "owner/name", nil, nil, nil),
            ("hf.co/owner/name:Q8_0", "owner/name", nil, "Q8_0", nil),
            ("https://huggingface.co/owner/name/blob/main/sub/demo.gguf", "owner/name", "sub/demo.gguf", nil, "main"),
            ("https://huggingface.co/owner/name/resolve/v1/demo.gguf", "owner/name", "demo.gguf", nil, "v1"),
            (
                "https://huggingface.co/owner/name/resolve/main/demo.gguf?download=true", "owner/name", "demo.gguf",
                nil,
                "main"
            ),
            ("https://huggingface.co/owner/name/blob/main/a%20b.gguf#L1", "owner/name", "a b.gguf", nil, "main"),
            ("https://huggingface.co/owner/name/", "owner/name", nil, nil, nil),
            ("https://www.huggingface.co/owner/name/tree/main", "owner/name", nil, nil, "main"),
            ("https://huggingface.co/owner/name/tree/v2", "owner/name", nil, nil, "v2"),
        ] as [(String, String, String?, String?, String?)])
    func `models are written in several ways`(
        text: String, repository: String, file: String?, quantization: String?, revision: String?
    ) throws {
        let argument = try #require(HubModelArgument(argument: text))
        #expect(argument.repository == repository)
        #expect(argument.file == file)
        #expect(argument.quantization == quantization)
        #expect(argument.revision == revision)
    }

    @Test func `a word that names no repository is searched for`() {
        #expect(PullArgument(argument: "qwen3") == .words("qwen3"))
        #expect(PullArgument(argument: "qwen 3") == .words("qwen 3"))
        #expect(PullArgument(argument: "a/b") == HubModelArgument(argument: "a/b").map(PullArgument.model))
        for text in ["", " ", "owner/", "https://example.com/a/b"] { #expect(PullArgument(argument: text) == nil) }
    }

    @Test(arguments: ["", "name", "owner/", "/name", "owner//x", "owner/name:", "https://example.com/owner/name"])
    func `other text is refused`(text: String) {
        #expect(HubModelArgument(argument: text) == nil)
    }

    @Test(arguments: [
        ["pull"], ["pull", "a/"], ["pull", " "], ["pull", "a/b", "--all", "--fair-share"],
        ["pull", "a/b", "--shards", "x"],
        ["pull", "a/b", "--model-id", "../x"], ["pull", "a/b/c.gguf", "--quant", "Q4_K_M"], ["search"],
        ["search", "a", "--limit", "0"], ["downloads", "cancel"], ["downloads", "cancel", "../x"],
        ["downloads", "--watch", "--json"], ["schedule", "set"], ["schedule", "set", "--from", "24"],
        ["schedule", "set", "--pruning", "never"], ["models", "lock"], ["models", "lock", "a", "--shards", "z"],
    ])
    func `command lines that make no sense end with 64`(arguments: [String]) async {
        #expect(await ShoalCommand.outcome(of: arguments) == 64)
    }
}
