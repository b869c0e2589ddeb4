import NodeAPI

/// A download as lines for a terminal: one for all of it, one for every shard, as many as fit.
struct DownloadView {
    /// Columns and rows of the terminal.
    var width: Int
    var height: Int

    private static let widestBar = 32
    private static let narrowestBar = 6

    func lines(_ download: DownloadBody) -> [String] {
        var lines = [cut(headline(download))]
        if let reason = download.state.reason { lines.append(cut("  \(reason)")) }
        let room = max(3, height - lines.count - 2)
        let shards = download.shardDetails
        guard shards.count > room else { return lines + shards.map { line($0, of: shards.count) } }
        // What moves is shown shard by shard; the rest is counted.
        let moving = shards.filter { !["complete", "pending"].contains($0.state) }
        lines += moving.prefix(room - 2).map { line($0, of: shards.count) }
        let done = shards.count { $0.state == "complete" }
        let waiting = shards.count { $0.state == "pending" }
        let hidden = max(0, moving.count - (room - 2))
        let rest = [(done, "complete"), (hidden, "more under way"), (waiting, "waiting")].filter { $0.0 > 0 }
        lines.append(cut("  " + rest.map { "\($0.0) \($0.1)" }.joined(separator: ", ")))
        return lines
    }

    private func headline(_ download: DownloadBody) -> String {
        let word = download.state.word
        guard download.totalBytes > 0 else { return "\(download.modelId)  \(download.state.text)" }
        let percent = Int(Double(download.downloadedBytes) / Double(download.totalBytes) * 100)
        var parts = [
            download.modelId, "\(percent) %",
            "\(Figures.bytes(download.downloadedBytes)) of \(Figures.bytes(download.totalBytes))",
        ]
        if word == "downloading" {
            parts.append("\(Figures.bytes(download.speedBytesPerSec))/s")
            if let rest = download.etaSecs { parts.append("\(Figures.seconds(rest)) left") }
        } else {
            parts.append(word)
        }
        return parts.joined(separator: "  ")
    }

    private func line(_ shard: DownloadBody.Shard, of count: Int) -> String {
        let digits = String(max(0, count - 1)).count
        let number = String(shard.index)
        let head = "  shard " + String(repeating: " ", count: max(0, digits - number.count)) + number + " "
        let fraction = shard.totalBytes > 0 ? Double(shard.downloadedBytes) / Double(shard.totalBytes) : 0
        let source = shard.sourceName.map { ", \($0)" } ?? ""
        let tail =
            switch shard.state {
            case "complete": " \(Figures.bytes(shard.totalBytes))\(source)"
            case "pending": " \(Figures.bytes(shard.totalBytes)), waiting"
            case "downloading":
                " \(Figures.bytes(shard.downloadedBytes)) of \(Figures.bytes(shard.totalBytes))\(source)"
            default: " \(Figures.bytes(shard.totalBytes)), \(shard.state)\(source)"
            }
        let room = min(Self.widestBar, width - head.count - tail.count - 3)
        guard room >= Self.narrowestBar else { return cut(head + "\(Int(fraction * 100)) %" + tail) }
        let filled = min(room, Int((Double(room) * fraction).rounded(.down)))
        return head + "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: room - filled) + "]"
            + tail
    }

    private func cut(_ line: String) -> String {
        line.count < width ? line : String(line.prefix(max(1, width - 2))) + "…"
    }
}

/// Tells of a download where nobody watches: a line for each shard that is through, and one for every tenth.
struct DownloadJournal {
    private var states: [Int: String] = [:]
    private var lastTenth = -1
    private var lastReason: String?

    init() {}

    /// What is new since the last call.
    mutating func lines(_ download: DownloadBody) -> [String] {
        var lines: [String] = []
        let name = download.modelId
        if let reason = download.state.reason, reason != lastReason { lines.append("\(name): \(download.state.text)") }
        lastReason = download.state.reason
        for shard in download.shardDetails where states[shard.index] != shard.state {
            states[shard.index] = shard.state
            guard ["complete", "failed"].contains(shard.state) else { continue }
            let source = shard.sourceName.map { " from \($0)" } ?? ""
            lines.append("\(name): shard \(shard.index) \(shard.state) (\(Figures.bytes(shard.totalBytes))\(source))")
        }
        if download.totalBytes > 0 {
            let tenth = Int(Double(download.downloadedBytes) / Double(download.totalBytes) * 10)
            if tenth > lastTenth {
                lastTenth = tenth
                let figures = "\(Figures.bytes(download.downloadedBytes)) of \(Figures.bytes(download.totalBytes))"
                lines.append("\(name): \(tenth * 10) % (\(figures))")
            }
        }
        return lines
    }
}
