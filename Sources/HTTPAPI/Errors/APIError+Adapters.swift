import Adapters
import HTTPTypes

extension APIError {
    /// Nil for faults of this machine, which are no client's business.
    init?(_ error: AdapterError) {
        self.init(status: .badRequest, type: "invalid_request_error", message: error.message)
        switch error.code {
        case .badName, .badContent: parameter = "file"
        case .badType: parameter = "entity_type"
        case .uploadEnded: break
        case .nameTaken: status = .conflict
        case .tooLarge: status = .contentTooLarge
        case .notFound: (status, type) = (.notFound, "not_found_error")
        case .diskFull: (status, type) = (.insufficientStorage, "server_error")
        default: return nil
        }
    }

    /// 415 where the body is no form at all, else 400.
    init(_ error: MultipartError) {
        self.init(
            status: error.code == .otherType ? .unsupportedMediaType : .badRequest, type: "invalid_request_error",
            message: error.message)
    }
}
