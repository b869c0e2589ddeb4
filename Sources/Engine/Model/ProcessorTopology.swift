internal import Foundation

/// What is known of the processor.
package enum ProcessorTopology {
    /// Threads that compute: one per physical core, since two on one core share its vector units.
    package static var computingThreads: Int {
        physicalCores ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// Counted from the kernel's topology; `nil` where that cannot be read.
    private static var physicalCores: Int? {
        let cpus = "/sys/devices/system/cpu"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: cpus) else { return nil }
        let siblings = names.filter { $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil }.compactMap { name in
            try? String(contentsOfFile: "\(cpus)/\(name)/topology/thread_siblings_list", encoding: .utf8)
        }
        return siblings.isEmpty ? nil : min(Set(siblings).count, ProcessInfo.processInfo.activeProcessorCount)
    }
}
