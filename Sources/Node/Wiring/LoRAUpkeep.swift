import Adapters
import Logging
import ServiceLifecycle

/// Tells what was found of LoRA files at the start, and takes their hashes after they have come.
struct LoRAUpkeep: Service {
    let library: LoRALibrary

    func run() async throws {
        let logger = Logger(label: "loras")
        for path in library.recovery.movedBack {
            logger.notice("a LoRA file is back where it was: its move was not finished", metadata: ["file": "\(path)"])
        }
        for path in library.recovery.found {
            logger.notice("a LoRA file was found that nothing was known of", metadata: ["file": "\(path)"])
        }
        await cancelWhenGracefulShutdown {
            await library.keepHashes { path, error in
                logger.warning(
                    "cannot take the hash of a LoRA file",
                    metadata: ["file": "\(path.map { "\($0)" } ?? "-")", "reason": "\(error)"])
            }
        }
    }
}
