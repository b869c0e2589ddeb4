import Link
import SwiftProtobuf

/// A worker or a master that breaks the rules is cut off.
struct Violation: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

extension WorkerDescription {
    private static let maximumModels = 1000
    private static let maximumGPUs = 64
    private static let maximumText = 256

    /// Reads what a worker says about itself.
    init(_ message: Shoal_V1_WorkerDescription) throws(Violation) {
        guard let hostname = Hostname(message.hostname) else { throw Violation("it has no proper host name") }
        guard Self.weights.contains(Int(message.weight)) else { throw Violation("its weight is out of range") }
        guard message.models.count <= Self.maximumModels, message.gpus.count <= Self.maximumGPUs,
            message.backEnds.count <= 8
        else { throw Violation("it describes more than a machine can have") }
        self.hostname = hostname
        version = try Self.text(message.version)
        weight = Int(message.weight)
        memoryBytes = message.memoryBytes
        gpus = []
        for gpu in message.gpus {
            guard let api = GPUDriver(rawValue: gpu.api) else { continue }
            gpus.append(
                WorkerGPU(
                    api: api, index: Int(gpu.index), name: try Self.text(gpu.name),
                    memoryBytes: min(gpu.memoryBytes, 1 << 50)))
        }
        backEnds = []
        for backEnd in message.backEnds { backEnds.append(try Self.text(backEnd)) }
        models = []
        for model in message.models {
            models.append(
                WorkerModel(
                    id: try Self.text(model.id), name: try Self.text(model.name),
                    architecture: try Self.text(model.architecture), layerCount: Int(model.layerCount),
                    shardCount: Int(model.shardCount), totalBytes: min(model.totalBytes, 1 << 60),
                    contextLength: Int(model.contextLength),
                    createdUnixSeconds: Int(min(model.created, 1 << 40))))
        }
        guard Set(models.map(\.id)).count == models.count, models.allSatisfy({ !$0.id.isEmpty }) else {
            throw Violation("it names a model twice, or not at all")
        }
    }

    static func text(_ text: String) throws(Violation) -> String {
        guard text.utf8.count <= maximumText,
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { throw Violation("it sent text that is too long or has control characters") }
        return text
    }

    var message: Shoal_V1_WorkerDescription {
        .with {
            $0.hostname = hostname.rawValue
            $0.version = version
            $0.weight = UInt32(weight)
            $0.memoryBytes = memoryBytes
            $0.gpus = gpus.map { gpu in
                .with {
                    $0.api = gpu.api.rawValue
                    $0.index = UInt32(clamping: gpu.index)
                    $0.name = gpu.name
                    $0.memoryBytes = gpu.memoryBytes
                }
            }
            $0.backEnds = backEnds
            $0.models = models.prefix(Self.maximumModels).map { model in
                .with {
                    $0.id = model.id
                    $0.name = model.name
                    $0.architecture = model.architecture
                    $0.layerCount = UInt32(clamping: model.layerCount)
                    $0.shardCount = UInt32(clamping: model.shardCount)
                    $0.totalBytes = model.totalBytes
                    $0.contextLength = UInt32(clamping: model.contextLength)
                    $0.created = UInt64(clamping: model.createdUnixSeconds)
                }
            }
        }
    }
}

extension WorkerProcess {
    static let maximumCount = 1000

    init(_ message: Shoal_V1_WorkerProcess) throws(Violation) {
        name = try WorkerDescription.text(message.name)
        status = try WorkerDescription.text(message.status)
        weight = Int(message.weight)
        model = try WorkerDescription.text(message.model)
    }

    var message: Shoal_V1_WorkerProcess {
        .with {
            $0.name = name
            $0.status = status
            $0.weight = UInt32(clamping: weight)
            $0.model = model
        }
    }
}
