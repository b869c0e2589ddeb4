import Hardware
import Identifiers
import Link
import Swarm
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Machine {
    /// What a node on this machine says about itself when it starts.
    func record(of node: Settings.Node, id: NodeID) -> NodeRecord {
        .with {
            $0.nickname = node.nickname ?? MachineName(hostname: Settings.fullHostName(), node: id).text
            $0.region = node.region ?? ""
            $0.version = NodeVersion.current
            $0.startedUnixMilliseconds = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
            $0.hardware.processor = processorName
            $0.hardware.cores = UInt32(clamping: processorCores)
            $0.hardware.memoryBytes = UInt64(clamping: memoryBytes)
            $0.hardware.gpu = gpus.mainName ?? ""
            $0.hardware.gpuMemoryBytes = gpus.memoryBytes
            $0.hardware.operatingSystem = operatingSystem
        }
    }
}
