import Dispatch
import Files

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where trainings keep what comes of them, and their logs.
///
/// Whatever may wait for a disk runs on threads of its own, so that neither those of tasks, of which there are as many as cores, nor
/// the actor that all trainings share wait with it.
struct TrainingFolder: Sendable {
    /// Logs that are kept.
    static let maximumLogs = 256

    private static let queue = DispatchQueue(label: "training", attributes: .concurrent)

    let path: String

    private var logFolder: String { path + "/logs" }

    func logPath(of id: JobID) -> String { "\(logFolder)/\(id).log" }

    /// Runs what may wait for a disk.
    static func onDisk<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
            queue.async { continuation.resume(returning: Result(catching: body)) }
        }
        return try result.get()
    }

    /// Makes the folder for what comes of a job, and begins its log; where there are more logs than are kept, the oldest go.
    func begin(_ id: JobID) async throws -> JobLog {
        try await Self.onDisk {
            try FileManager.default.createDirectory(atPath: output(of: id), withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: logFolder, withIntermediateDirectories: true)
            removeOldLogs()
            return try JobLog(path: logPath(of: id))
        }
    }

    /// What the trainer of a job wrote; the oldest part is missing where it was much.
    func log(of id: JobID) async -> [UInt8] {
        await Self.onDisk { JobLog.contents(at: logPath(of: id)) }
    }

    private func removeOldLogs() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: logFolder)) ?? []
        let logs = names.filter { $0.hasSuffix(".log") }
        guard logs.count >= Self.maximumLogs else { return }
        let dated = logs.map { name in
            let path = "\(logFolder)/\(name)"
            let date = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
            return (path: path, date: date ?? .distantPast)
        }
        for log in dated.sorted(by: { $0.date < $1.date }).prefix(logs.count - Self.maximumLogs + 1) {
            JobLog.remove(log.path)
        }
    }
}
