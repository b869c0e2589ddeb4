import Hardware
import Identifiers
import Swarm

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Machine {
    /// What a node on this machine says about itself when it starts.
    func record(of node: Settings.Node, id: NodeID) -> NodeRecord {
        var record = NodeRecord()
        record.nickname = node.nickname ?? MachineName(hostname: Settings.fullHostName(), node: id).text
        record.region = node.region
        record.version = NodeVersion.current
        record.started = Date()
        record.hardware.processor = processorName
        record.hardware.cores = processorCores
        record.hardware.memoryBytes = UInt64(clamping: memoryBytes)
        record.hardware.gpu = gpus.mainName
        record.hardware.gpuMemoryBytes = gpus.memoryBytes
        record.hardware.operatingSystem = operatingSystem
        return record
    }
}
