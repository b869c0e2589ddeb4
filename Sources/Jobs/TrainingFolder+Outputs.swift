#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension TrainingFolder {
    private var outputs: String { path + "/output" }

    func output(of id: JobID) -> String { "\(outputs)/\(id)" }

    /// Those of these jobs of which there is a folder.
    func haveOutput(_ ids: [JobID]) async -> Set<JobID> {
        await Self.onDisk { Set(ids.filter { FileManager.default.fileExists(atPath: output(of: $0)) }) }
    }

    /// The jobs of which there are folders, whatever became of them.
    func jobsWithOutput() async -> [JobID] {
        await Self.onDisk {
            ((try? FileManager.default.contentsOfDirectory(atPath: outputs)) ?? []).compactMap { JobID($0) }
        }
    }

    /// Keeps what came of a job that succeeded, with a record; a folder with nothing in it goes away.
    func keep(_ job: TrainingJob, finished: Date) async throws {
        try await Self.onDisk {
            let output = output(of: job.id)
            let record = "\(output)/\(TrainingRecord.fileName)"
            guard rmdir(output) != 0, FileManager.default.fileExists(atPath: output),
                !FileManager.default.fileExists(atPath: record)
            else { return }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(TrainingRecord(job, finished: finished)).write(
                to: URL(filePath: record), options: .atomic)
        }
    }

    /// Whether there is a record of success.
    func isKept(_ id: JobID) async -> Bool {
        await Self.onDisk {
            FileManager.default.fileExists(atPath: "\(output(of: id))/\(TrainingRecord.fileName)")
        }
    }

    /// Removes what came of a job that did not succeed.
    func remove(_ id: JobID) async throws {
        try await Self.onDisk {
            let output = output(of: id)
            guard FileManager.default.fileExists(atPath: output) else { return }
            try FileManager.default.removeItem(atPath: output)
        }
    }
}
