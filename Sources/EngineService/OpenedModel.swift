internal import Engine
internal import Synchronization

/// The one model of an engine process, once it is open.
final class OpenedModel: Sendable {
    private let opened = Mutex<EngineModel?>(nil)
    private let didOpen: @Sendable () -> Void

    /// - Parameter didOpen: Called once, before anybody has the model.
    init(didOpen: @escaping @Sendable () -> Void = {}) { self.didOpen = didOpen }

    /// Opens the model, once: later calls have to name the same files.
    func open(paths: [String]) throws -> EngineModel {
        if let model = opened.withLock({ $0 }) {
            guard model.paths == paths else {
                throw EngineError(.badRequest, "this engine runs \(model.paths), not \(paths)")
            }
            return model
        }
        let model = try EngineModel(paths: paths)
        return opened.withLock { current in
            if let present = current { return present }
            didOpen()
            current = model
            return model
        }
    }

    func model() throws -> EngineModel {
        guard let model = opened.withLock({ $0 }) else {
            throw EngineError(.badRequest, "no model is open: call OpenModel first")
        }
        return model
    }
}
