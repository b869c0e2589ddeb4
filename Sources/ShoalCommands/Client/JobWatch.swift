import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Shows how a training goes until it has ended.
struct JobWatch {
    private static let interval: Duration = .seconds(1)

    let client: NodeClient
    let id: String
    /// Whether nothing is shown meanwhile.
    let isQuiet: Bool

    /// - Returns: the job when it has ended.
    func run() async throws -> JobBody {
        var bar = ProgressBar("training")
        while true {
            let job: JobBody = try await client.get("/admin/api/jobs/\(id)")
            if !isQuiet {
                bar.label = job.outputModel
                bar.update(fraction: job.progress, detail: job.state == "queued" ? "waiting" : job.message)
            }
            if job.hasEnded {
                if !isQuiet { bar.finish(wipe: true) }
                return job
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}

extension JobBody {
    /// The job in lines for people.
    var lines: [String] {
        var lines = [("job", id), ("result", outputModel), ("data", trainPath), ("state", state)]
        if !message.isEmpty { lines.append(("message", message)) }
        lines.append(("tokens", hasEnded ? "\(tokensUsed) used" : "\(tokensReserved) set aside"))
        if let outputDir = outputDir?.wrappedValue { lines.append(("lies in", outputDir)) }
        let rows = lines.map { [$0.0, $0.1] }
        return Array(Table(headers: ["", ""], rows: rows).lines().dropFirst())
    }

    /// - Throws: `CommandError` where it has no result.
    func requireResult() throws {
        guard state != "succeeded" else { return }
        throw CommandError(
            "the training \(state == "cancelled" ? "was cancelled" : "failed"): \(message)",
            hint: "“shoal jobs log \(id)” shows what it wrote")
    }
}
