import Adapters
import Logging
import ServiceLifecycle

/// Takes the hashes of LoRA files after they have come.
struct LoRAUpkeep: Service {
    let library: LoRALibrary

    func run() async throws {
        let logger = Logger(label: "loras")
        await cancelWhenGracefulShutdown {
            await library.keepHashes { path, error in
                logger.warning(
                    "cannot take the hash of a LoRA file",
                    metadata: ["file": "\(path.map { "\($0)" } ?? "-")", "reason": "\(error)"])
            }
        }
    }
}
