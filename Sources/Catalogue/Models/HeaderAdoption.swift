package import Acquisition
import Generation
import Hub
package import Identifiers
package import Inference

/// Brings headers of models that the library does not have: from a peer, or else from the hub.
package struct HeaderAdoption: Sendable {
    private let inference: InferenceService
    private let hub: HubModels?
    private let origin: @Sendable (ModelID) -> ModelOrigin?

    /// - Parameters:
    ///   - hub: nil for a node that asks none.
    ///   - origin: where a model's publisher has it, where that is known.
    package init(
        inference: InferenceService, hub: HubModels?, origin: @escaping @Sendable (ModelID) -> ModelOrigin?
    ) {
        self.inference = inference
        self.hub = hub
        self.origin = origin
    }

    /// - Throws: `AcquisitionError` of code `noSource` where nobody has it now, or as the hub failed; `InferenceError`,
    ///   `LibraryError`.
    package func adopt(_ model: ModelID) async throws {
        do {
            try await inference.learn(model: model.rawValue)
        } catch let error as InferenceError {
            guard let hub, let origin = origin(model) else {
                guard error.code == .modelNotFound else { throw error }
                throw AcquisitionError(
                    .noSource,
                    "no connected node has \(model), and it is not known where its publisher has it; pull it from its "
                        + "repository", cause: error)
            }
            do {
                try await hub.adopt(try await hub.describe(origin, id: model))
            } catch let error as HubError {
                throw AcquisitionError(error)
            }
        }
    }
}
