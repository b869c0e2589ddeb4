package import Hardware

/// A GPU of a worker.
package struct WorkerGPU: Sendable, Hashable, Codable {
    package let api: GPUDriver
    package let index: Int
    package let name: String
    package let memoryBytes: UInt64

    package init(api: GPUDriver, index: Int, name: String, memoryBytes: UInt64) {
        self.api = api
        self.index = index
        self.name = name
        self.memoryBytes = memoryBytes
    }

    /// A GPU of this machine.
    package init(_ device: GPUDevice) {
        let api: GPUDriver =
            switch device.api {
            case .cuda: .cuda
            case .rocm: .rocm
            }
        self.init(api: api, index: device.index, name: device.name, memoryBytes: device.memoryBytes)
    }

    /// The same as a device of whatever machine it is in.
    package var device: GPUDevice {
        let api: GPUDevice.API =
            switch api {
            case .cuda: .cuda
            case .rocm: .rocm
            }
        return GPUDevice(api: api, index: index, name: name, memoryBytes: memoryBytes)
    }
}

/// A model that a worker can run by itself.
package struct WorkerModel: Sendable, Hashable {
    package let id: String
    package let name: String
    package let architecture: String
    package let layerCount: Int
    package let shardCount: Int
    package let totalBytes: UInt64
    /// Tokens of prompt and answer together that one session may have.
    package let contextLength: Int
    package let createdUnixSeconds: Int

    package init(
        id: String, name: String, architecture: String, layerCount: Int, shardCount: Int, totalBytes: UInt64,
        contextLength: Int, createdUnixSeconds: Int
    ) {
        self.id = id
        self.name = name
        self.architecture = architecture
        self.layerCount = layerCount
        self.shardCount = shardCount
        self.totalBytes = totalBytes
        self.contextLength = contextLength
        self.createdUnixSeconds = createdUnixSeconds
    }
}

/// An engine process of a worker.
package struct WorkerProcess: Sendable, Hashable {
    /// `<job>_<back end>`, as `generation_cpu`.
    package let name: String
    /// `active`, `idle` or `starting`.
    package let status: String
    /// Its share of the worker's weight.
    package let weight: Int
    package let model: String

    package init(name: String, status: String, weight: Int, model: String) {
        self.name = name
        self.status = status
        self.weight = weight
        self.model = model
    }
}

/// What a worker says about itself.
package struct WorkerDescription: Sendable, Hashable {
    package static let weights = 1...10_000
    package static let standardWeight = 100

    package var hostname: Hostname
    package var version: String
    /// How much of the cluster's work it should get, beside the weights of the others.
    package var weight: Int
    package var memoryBytes: UInt64
    package var gpus: [WorkerGPU]
    /// What its engines can compute with now, best first: `cuda`, `rocm`, `cpu`.
    package var backEnds: [String]
    package var models: [WorkerModel]

    package init(
        hostname: Hostname, version: String, weight: Int, memoryBytes: UInt64, gpus: [WorkerGPU], backEnds: [String],
        models: [WorkerModel]
    ) {
        self.hostname = hostname
        self.version = version
        self.weight = weight
        self.memoryBytes = memoryBytes
        self.gpus = gpus
        self.backEnds = backEnds
        self.models = models
    }
}
