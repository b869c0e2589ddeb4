internal import CEngine
package import Logging
internal import Synchronization

/// libllama's process-wide state: back ends, and where its log lines go.
package enum LlamaBackEnd {
    private static let logger = Mutex<Logger?>(nil)

    /// Starts libllama's back ends; safe to repeat. Its warnings and errors go to `logger`.
    package static func start(logger: Logger) {
        let isFirst = Self.logger.withLock { current in
            defer { current = logger }
            return current == nil
        }
        guard isFirst else { return }
        shoal_set_log_sink { level, text in
            guard let text else { return }
            LlamaBackEnd.forward(level: level, text: String(cString: text))
        }
        ggml_backend_load_all()
        llama_backend_init()
    }

    /// libllama's version, as "0.5.0".
    package static var version: String {
        llama_version().map { String(cString: $0) } ?? "unknown"
    }

    /// Names of the devices that compute, as "CPU" or "CUDA0".
    package static var devices: [String] {
        (0..<ggml_backend_dev_count()).compactMap { index in
            ggml_backend_dev_get(index).flatMap { ggml_backend_dev_name($0) }.map { String(cString: $0) }
        }
    }

    /// Whether layers can go to a GPU.
    static var hasGPU: Bool {
        (0..<ggml_backend_dev_count()).contains { index in
            guard let device = ggml_backend_dev_get(index) else { return false }
            let kind = ggml_backend_dev_type(device)
            return kind == GGML_BACKEND_DEVICE_TYPE_GPU || kind == GGML_BACKEND_DEVICE_TYPE_IGPU
        }
    }

    private static func forward(level: Int32, text: String) {
        let line = text.split(separator: "\n").joined(separator: " ")
        guard !line.isEmpty, let logger = logger.withLock({ $0 }) else { return }
        switch level {
        // Its warnings are for who makes models: an operator cannot act on them.
        case Int32(GGML_LOG_LEVEL_ERROR.rawValue): logger.warning("\(line)")
        default: logger.debug("\(line)")
        }
    }
}
