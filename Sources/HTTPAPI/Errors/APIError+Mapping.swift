import Accounts
import Acquisition
import Adapters
import Cluster
import Files
import Generation
import HTTPTypes
import Hub
import Hummingbird
import Inference
import JSON
import Jobs
import Logging
import ModelLibrary
import NIOCore
import Store
import Swarm

extension APIError {
    /// What a client is told about `error`. Errors that nobody foresaw go to the log and become a 500 that hides the inside.
    init(_ error: any Error, logger: Logger) {
        switch error {
        case let error as APIError: self = error
        case let error as InferenceError: self.init(error)
        case let error as LibraryError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as SwarmError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as HubError: self.init(error)
        case let error as StoreError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as AccountError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as ClusterError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as AdapterError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as JobError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as FileError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as AcquisitionError: self = APIError(error) ?? .logged(error, logger: logger)
        case let error as JSONParsingError:
            self = .invalidRequest("the body is no JSON document: \(error.message) at byte \(error.offset)")
        case is NIOTooManyBytesError:
            self = APIError(
                status: .contentTooLarge, type: "invalid_request_error", message: "the body is too large")
        case let error as HTTPError:
            self = APIError(
                status: error.status, type: error.status.code < 500 ? "invalid_request_error" : "server_error",
                message: error.body ?? error.status.reasonPhrase, headers: error.headers)
        case is CancellationError:
            self = .unavailable("the request was cancelled", hint: "The client went away, or the node is stopping.")
        default: self = .logged(error, logger: logger)
        }
    }

    /// Nil for faults of this machine, which are no client's business.
    private init?(_ error: ClusterError) {
        self.init(status: .badRequest, type: "invalid_request_error", message: error.message)
        parameter = error.field
        switch error.code {
        case .badValue: break
        case .tokenNotFound, .nodeNotFound: (status, type) = (.notFound, "not_found_error")
        case .tooMany: status = .conflict
        default: return nil
        }
    }

    private static func logged(_ error: any Error, logger: Logger) -> APIError {
        logger.error("request failed", metadata: ["error": "\(error)"])
        return .internal
    }

    init(_ error: InferenceError) {
        self.init(status: .internalServerError, type: "server_error", message: error.message)
        hint = error.hint
        parameter = error.parameter
        switch error.code {
        case .modelNotFound:
            (status, type) = (.notFound, "not_found_error")
            parameter = parameter ?? "model"
        case .shardNotHeld: (status, type) = (.notFound, "not_found_error")
        case .badRequest, .unsupported: (status, type) = (.badRequest, "invalid_request_error")
        case .contextTooLong:
            (status, type) = (.badRequest, "invalid_request_error")
            code = error.code.rawValue
        case .callerBusy:
            (status, type) = (.tooManyRequests, "rate_limit_error")
            headers[.retryAfter] = "5"
        case .requestEndedEngine: code = error.code.rawValue
        case .timedOut: (status, type) = (.gatewayTimeout, "timeout_error")
        case .noCapacity:
            status = .serviceUnavailable
            headers[.retryAfter] = "5"
        case .modelNotCovered, .segmentLost, .engineMissing, .cancelled, .inUse, .preparationLost:
            status = .serviceUnavailable
        default: break
        }
    }

    /// Nil for faults of this machine, which are no client's business.
    private init?(_ error: LibraryError) {
        self.init(status: .badRequest, type: "invalid_request_error", message: error.message)
        switch error.code {
        case .modelNotFound, .shardNotFound: (status, type) = (.notFound, "not_found_error")
        case .badModelID, .badShards, .badShardSize, .notAModel, .idTaken, .otherShardSize: break
        case .diskFull: (status, type) = (.insufficientStorage, "server_error")
        case .notPermitted: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }

    /// Nil for faults of the database that no client can do anything about.
    private init?(_ error: StoreError) {
        switch error.code {
        case .full:
            self.init(
                status: .insufficientStorage, type: "server_error",
                message: "the disk that the node keeps its database on is full; free some space on it")
        case .readOnly:
            self.init(
                status: .serviceUnavailable, type: "server_error", message: "the node's database may not be written to")
        case .busy:
            self.init(
                status: .serviceUnavailable, type: "server_error",
                message: "another process keeps the node's database locked")
        default: return nil
        }
    }

    /// What the hub refuses is told as it is; its other faults are those of a gateway.
    private init(_ error: HubError) {
        self.init(status: .badGateway, type: "network_error", message: error.message)
        switch error.code {
        case .invalidName, .notGGUF, .tooLarge: (status, type) = (.badRequest, "invalid_request_error")
        case .notFound: (status, type) = (.notFound, "not_found_error")
        default: break
        }
    }

    /// Nil for kinds of fault that nobody foresaw here.
    private init?(_ error: AcquisitionError) {
        self.init(
            status: .badRequest, type: "invalid_request_error", message: error.message, parameter: error.field)
        switch error.code {
        case .badSchedule, .badPolicy, .badShards, .badOrigin, .unsupported, .noSource, .noDownload: break
        case .givingUp: status = .conflict
        case .supplierFailed, .notHeldThere, .damaged: (status, type) = (.badGateway, "network_error")
        case .diskFull: (status, type) = (.insufficientStorage, "server_error")
        case .fileSystem: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }

    /// Nil for faults of this node, which are no client's business.
    private init?(_ error: AccountError) {
        self.init(
            status: .badRequest, type: "invalid_request_error", message: error.message, parameter: error.field)
        if let wait = error.retryAfter { headers[.retryAfter] = String(Int((wait / .seconds(1)).rounded(.up))) }
        switch error.code {
        case .badValue: break
        case .userNotFound, .tokenNotFound, .reservationNotFound: (status, type) = (.notFound, "not_found_error")
        case .taken, .lastAdministrator, .tooMany, .keyReused, .reservationClosed: status = .conflict
        case .wrongCredentials:
            self = .unauthorized(error.message)
            hint = nil
        case .badBearer, .badSession, .expired, .revoked: self = .unauthorized(error.message)
        case .badCSRFToken: self = .forbidden(error.message)
        case .insufficientTokens: (status, type) = (.paymentRequired, "insufficient_quota")
        case .throttled: (status, type) = (.tooManyRequests, "rate_limit_error")
        case .busy: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }

    /// Nil for faults of this node, which are no client's business.
    private init?(_ error: JobError) {
        self.init(
            status: .badRequest, type: "invalid_request_error", message: error.message, parameter: error.field)
        if let wait = error.retryAfter { headers[.retryAfter] = String(Int((wait / .seconds(1)).rounded(.up))) }
        switch error.code {
        case .badValue: break
        case .notFound: (status, type) = (.notFound, "not_found_error")
        case .keyReused, .ended: status = .conflict
        case .queueFull: (status, type) = (.tooManyRequests, "rate_limit_error")
        case .notConfigured, .stopping: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }

    /// Nil for faults of this machine, which are no client's business.
    private init?(_ error: FileError) {
        self.init(status: .badRequest, type: "invalid_request_error", message: error.message)
        switch error.code {
        case .badPath, .notAFolder: break
        case .outside, .hidden, .notPermitted: (status, type) = (.forbidden, "permission_error")
        case .notFound: (status, type) = (.notFound, "not_found_error")
        case .noRoot: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }

    /// Nil for faults of this machine, which are no client's business.
    private init?(_ error: SwarmError) {
        self.init(status: .badRequest, type: "invalid_request_error", message: error.message)
        switch error.code {
        case .codeTooLong, .badCode, .badAddress, .ownCode: parameter = "code"
        case .alreadyMember, .peerConnected: status = .conflict
        case .unreachable, .refused: (status, type) = (.badGateway, "network_error")
        case .unknownPeer: (status, type) = (.notFound, "not_found_error")
        case .notListening: (status, type) = (.serviceUnavailable, "server_error")
        default: return nil
        }
    }
}

extension InferenceError.Code {
    /// The request is one that the engine did not survive.
    fileprivate static let requestEndedEngine = InferenceError.Code(rawValue: "request_ended_engine")
}

extension HTTPResponse.Status {
    /// RFC 9110 section 15.5.3.
    fileprivate static let paymentRequired = HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
    /// RFC 4918 section 11.5.
    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
