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

/// Processes of a training command whose warden was killed, found by the job's id in the environment that they inherited
/// (proc(5)): ids cannot be guessed, so that nothing else has them.
enum LeftoverProcesses {
    /// Kills every process of these jobs. Where there is no `/proc`, none is found.
    static func kill(of jobs: Set<JobID>) {
        #if os(Linux)
            // Twice: one may start another while it is looked for.
            for _ in 0..<2 {
                let found = processes(of: jobs)
                for process in found where process > 1 { _ = Glibc.kill(process, SIGKILL) }
                if found.isEmpty { return }
            }
        #endif
    }

    /// The processes whose environment names one of these jobs.
    static func processes(of jobs: Set<JobID>) -> [pid_t] {
        #if os(Linux)
            guard !jobs.isEmpty, let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else {
                return []
            }
            let own = getpid()
            return names.compactMap { pid_t($0) }.filter { process in
                guard process != own, let job = job(of: process) else { return false }
                return jobs.contains(job)
            }
        #else
            return []
        #endif
    }

    #if os(Linux)
        private static let variable = Array("SHOAL_JOB_ID=".utf8)

        private static func job(of process: pid_t) -> JobID? {
            guard let data = FileManager.default.contents(atPath: "/proc/\(process)/environ") else { return nil }
            for entry in data.split(separator: 0) where entry.starts(with: variable) {
                return JobID(String(decoding: entry.dropFirst(variable.count), as: UTF8.self))
            }
            return nil
        }
    #endif
}
