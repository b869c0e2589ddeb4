internal import Engine
internal import Foundation
internal import GGUF
internal import Identifiers
internal import Link
internal import Logging
internal import SwiftProtobuf

/// What both services of the engine process share: the model, its sessions, and the links to other engines.
final class EngineHost: Sendable {
    let directory = SessionDirectory()
    let neighbours: Neighbours
    let opened = OpenedModel()
    let logger: Logger
    init(neighbours: Neighbours, logger: Logger) {
        self.neighbours = neighbours
        self.logger = logger
    }

    /// Hands a frame from another engine to the window it is for. Frames of unknown sessions are late and dropped.
    func deliver(_ frame: Shoal_V1_Frame) {
        switch frame.frame {
        case .hiddenStates(let message):
            guard let states = HiddenStates(message),
                let window = directory.window(of: states.session, firstLayer: Int(message.firstLayer))
            else { return }
            window.receive(states)
        case .token(let message):
            guard let id = SessionID(message.sessionID), let window = directory.window(of: id, firstLayer: 0) else {
                return
            }
            window.receive(NextToken(session: id, position: Int(message.position), token: message.token))
        case .lost(let message):
            guard let id = SessionID(message.sessionID) else { return }
            for window in directory.windows(of: id) {
                window.fail(id, EngineError(.computeFailed, message.message))
            }
        case .ping, nil: return
        }
    }
}

extension LayerRange {
    /// Throws ``EngineError`` when the range is empty or runs backwards.
    init(_ message: Shoal_V1_LayerRange) throws {
        guard let range = LayerRange(first: Int(message.first), end: Int(message.end)) else {
            throw EngineError(.badRequest, "layers \(message.first)..<\(message.end) is not a range")
        }
        self = range
    }

    var message: Shoal_V1_LayerRange {
        .with {
            $0.first = UInt32(first)
            $0.end = UInt32(end)
        }
    }
}
