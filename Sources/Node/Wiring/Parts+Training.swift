import Accounts
import Events
import Files
import HTTPAPI
import Jobs
import Logging
import NIOPosix
import Store

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension NodeDaemon.Parts {
    /// The training service, with what an earlier process of the node left closed.
    static func training(
        _ settings: Settings, directory: DataDirectory, accounts: AccountServices, store: Store, events: EventBus
    ) async throws -> TrainingService {
        if settings.files.root == directory.files {
            try FileManager.default.createDirectory(atPath: directory.files, withIntermediateDirectories: true)
        }
        let logger = Logger(label: "training")
        var training = TrainingSettings(folder: directory.training)
        training.timeout = settings.training.timeout
        training.maximumRunning = settings.training.maximumRunning
        training.maximumQueued = settings.training.maximumQueued
        return try await TrainingService(
            settings: training, files: FileRoot(path: settings.files.root),
            trainer: settings.training.command.map {
                CommandTrainer(
                    command: $0, shoal: Settings.ownProgram, environment: settings.training.environment,
                    logger: logger)
            },
            accounts: accounts, store: store, events: events, logger: logger)
    }

    var trainingOperations: TrainingOperations {
        TrainingOperations(
            submit: { [training] request, owner, key, actor in
                try await training.submit(request, for: owner, key: key, by: actor).job
            },
            wait: { [training] in try await training.wait(for: $0, as: $1) },
            job: { [training] in try await training.job($0, for: $1) },
            jobs: { [training] in try await training.jobs(for: $0, after: $1, limit: $2) },
            cancel: { [training] in try await training.cancel($0, for: $1, by: $2) },
            log: { [training] in try await training.log(of: $0, for: $1) })
    }

    var fileOperations: FileOperations {
        let root = FileRoot(path: settings.files.root)
        // A folder of a million files takes a while, and so does a disk that sleeps.
        return FileOperations(list: { path, after, limit in
            try await NIOThreadPool.singleton.runIfActive { try root.list(path, after: after, limit: limit) }
        })
    }
}
