internal import CEngine
internal import Foundation
package import GGUF

/// Which form of the weights computes: libllama can rearrange them while loading for faster decoding, at the price of
/// slower prompts and of memory that is not shared with the file.
package enum WeightLayout: String, Sendable, CaseIterable {
    /// As they stand in the file.
    case plain
    /// Rearranged for the processor's vector units.
    case repacked
    /// Both are held: prompts are computed on the plain weights, tokens on the repacked ones.
    case both

    /// What an engine takes when it is not told: both forms where that leaves half of the free memory.
    package static func automatic(weightBytes: UInt64, gpuLayers: Int) -> WeightLayout {
        guard gpuLayers == 0 || !LlamaBackEnd.hasGPU, let available = ResidentMemory.availableBytes else {
            return .repacked
        }
        return weightBytes * 2 <= available / 2 ? .both : .repacked
    }
}

/// A model as libllama holds it: weights of some layers, or the vocabulary alone.
package final class ModelWeights: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer  // immutable after loading; libllama only reads it
    /// Keeps the file alive that libllama read from.
    private let source: WindowSource?

    package var layerCount: Int { Int(llama_model_n_layer(pointer)) }
    package var embeddingLength: Int { Int(llama_model_n_embd(pointer)) }
    package var trainedContextLength: Int { Int(llama_model_n_ctx_train(pointer)) }
    package var sizeBytes: UInt64 { llama_model_size(pointer) }
    /// Recurrent state cannot be cut back to a shorter prefix.
    package var isRecurrent: Bool { llama_model_is_recurrent(pointer) || llama_model_is_hybrid(pointer) }
    package var generatesText: Bool { llama_model_has_decoder(pointer) }

    /// Reads the vocabulary alone, from the first file of a model.
    init(vocabularyOf path: String) throws {
        var parameters = llama_model_default_params()
        parameters.vocab_only = true
        parameters.load_mode = LLAMA_LOAD_MODE_NONE
        guard let pointer = llama_model_load_from_file(path, parameters) else {
            throw EngineError(.loadFailed, "libllama cannot read the vocabulary of \(path)")
        }
        self.pointer = pointer
        source = nil
    }

    /// Loads a whole model from its files, memory-mapped where the layout allows it.
    package init(
        paths: [String], layout: WeightLayout, gpuLayers: Int, progress: @escaping @Sendable (Float) -> Void
    ) throws {
        var parameters = Self.parameters(layout: layout, gpuLayers: gpuLayers)
        parameters.load_mode = LLAMA_LOAD_MODE_MMAP
        let report = ProgressReport(progress)
        let loaded = withExtendedLifetime(report) {
            report.attach(to: &parameters)
            return withCStrings(paths) { names in
                var names = names
                return llama_model_load_from_splits(&names, names.count, parameters)
            }
        }
        guard let loaded else {
            throw EngineError(.loadFailed, "libllama cannot load \(paths.joined(separator: ", "))")
        }
        pointer = loaded
        source = nil
    }

    /// Loads the layers of a window.
    package init(
        view: WindowView, layout: WeightLayout, gpuLayers: Int, progress: @escaping @Sendable (Float) -> Void
    ) throws {
        var parameters = Self.parameters(layout: layout, gpuLayers: gpuLayers)
        parameters.load_mode = LLAMA_LOAD_MODE_NONE
        let source = WindowSource(view: view)
        let report = ProgressReport(progress)
        let loaded: OpaquePointer? = try withExtendedLifetime((source, report)) {
            report.attach(to: &parameters)
            guard let file = source.open() else {
                throw EngineError(.outOfMemory, "no memory for the file of window \(view.layers)")
            }
            defer { fclose(file) }
            return llama_model_load_from_file_ptr(file, parameters)
        }
        guard let loaded else {
            let cause = source.failure.map { ": \($0)" } ?? ""
            throw EngineError(.loadFailed, "libllama cannot load the layers \(view.layers)\(cause)")
        }
        pointer = loaded
        self.source = source
    }

    deinit {
        llama_model_free(pointer)
    }

    private static func parameters(layout: WeightLayout, gpuLayers: Int) -> llama_model_params {
        var parameters = llama_model_default_params()
        parameters.use_extra_bufts = layout != .plain
        parameters.n_gpu_layers = Int32(gpuLayers)
        return parameters
    }
}

/// Hands libllama's load progress on.
private final class ProgressReport: Sendable {
    private let progress: @Sendable (Float) -> Void

    init(_ progress: @escaping @Sendable (Float) -> Void) {
        self.progress = progress
    }

    func attach(to parameters: inout llama_model_params) {
        parameters.progress_callback_user_data = Unmanaged.passUnretained(self).toOpaque()
        parameters.progress_callback = { fraction, context in
            guard let context else { return true }
            Unmanaged<ProgressReport>.fromOpaque(context).takeUnretainedValue().progress(fraction)
            return true
        }
    }
}

/// Calls `body` with the strings as C has them, which end with a zero.
func withCStrings<Result>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies.map { UnsafePointer($0) })
}
