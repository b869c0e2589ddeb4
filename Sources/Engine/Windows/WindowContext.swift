internal import CEngine

internal import struct Foundation.Data

/// libllama's context of a window: the key-value cache, the batch, and the tensor that leaves a window in the middle.
///
/// Confined to the window's computing thread once it runs; made before that.
final class WindowContext {
    let embeddingLength: Int
    let vocabularySize: Int
    let chunkLength: Int
    let contextLength: Int
    let cacheBytes: UInt64
    private let weights: ModelWeights
    private let pointer: OpaquePointer
    private let memory: llama_memory_t
    private var tokenBatch: llama_batch
    private var hiddenBatch: llama_batch
    private let hook: WindowHook?
    private let givesHiddenStates: Bool
    /// Hidden states overwrite a tensor instead of coming in as embeddings; the batch holds token 0 then.
    private let overwritesInput: Bool
    private var rowCount = 0

    /// What is put into a batch: a token for a first window, a row of hidden states for the others.
    enum Row {
        case token(Int32)
        case hidden(UnsafePointer<Float>)
    }

    /// Where a window's graph is cut out of the whole model's.
    struct Edges {
        /// The window's own last layer, when what leaves the window is its output; `nil` for logits.
        let capturedLayer: Int?
        /// The tensor that incoming hidden states overwrite, where the batch's embeddings do not reach the first layer
        /// unchanged (see `CutRule.inputTensor`); `nil` for a first window.
        let inputTensor: String?
    }

    init(weights: ModelWeights, edges: Edges, configuration: Window.Configuration) throws {
        self.weights = weights
        embeddingLength = weights.embeddingLength
        contextLength = configuration.contextLength
        chunkLength = min(configuration.chunkLength, contextLength)
        vocabularySize = Int(llama_vocab_n_tokens(llama_model_get_vocab(weights.pointer)))

        var parameters = llama_context_default_params()
        parameters.n_ctx = UInt32(configuration.contextLength)
        parameters.n_batch = UInt32(chunkLength)
        parameters.n_ubatch = UInt32(chunkLength)
        parameters.n_seq_max = UInt32(configuration.maximumSequences)
        parameters.n_threads = Int32(configuration.threads)
        parameters.n_threads_batch = Int32(configuration.threads)
        // One pool of cells for all sequences: sessions of any length share it, and prefixes are shared without a copy.
        parameters.kv_unified = true
        // Sliding-window layers keep all cells, or a prefix could not be reused.
        parameters.swa_full = true
        parameters.no_perf = true
        let hook = WindowHook(
            outputName: edges.capturedLayer.map { "l_out-\($0)" }, inputName: edges.inputTensor,
            capacity: chunkLength * embeddingLength)
        hook?.attach(to: &parameters)
        self.hook = hook
        givesHiddenStates = edges.capturedLayer != nil
        overwritesInput = edges.inputTensor != nil
        guard let pointer = llama_init_from_model(weights.pointer, parameters),
            let memory = llama_get_memory(pointer)
        else {
            throw EngineError(
                .outOfMemory,
                "no memory for a cache of \(configuration.contextLength) tokens: ask for a shorter context")
        }
        self.pointer = pointer
        self.memory = memory
        tokenBatch = llama_batch_init(Int32(chunkLength), 0, 1)
        hiddenBatch = llama_batch_init(Int32(chunkLength), Int32(embeddingLength), 1)
        cacheBytes = Self.cacheBytes(of: weights, cells: configuration.contextLength)
    }

    deinit {
        llama_batch_free(tokenBatch)
        llama_batch_free(hiddenBatch)
        llama_free(pointer)
    }

    /// Keys and values of f16 for every cell of every layer: an estimate that leaves architectures' extras out.
    private static func cacheBytes(of weights: ModelWeights, cells: Int) -> UInt64 {
        let heads = max(Int(llama_model_n_head(weights.pointer)), 1)
        let keyValueHeads = max(Int(llama_model_n_head_kv(weights.pointer)), 1)
        let width = weights.embeddingLength / heads * keyValueHeads
        return UInt64(cells) * UInt64(weights.layerCount) * UInt64(width) * 2 * 2
    }

    // MARK: Batches

    /// Rows that were added since the batch was begun.
    var batchedRows: Int { rowCount }

    func beginBatch() {
        rowCount = 0
    }

    /// Adds a row; at most ``chunkLength`` of them.
    func add(_ row: Row, position: Int, sequence: Int32, output: Bool) {
        let index = rowCount
        rowCount += 1
        switch row {
        case .token(let token):
            tokenBatch.token[index] = token
            fill(&tokenBatch, index, position, sequence, output)
        case .hidden(let values):
            (hiddenBatch.embd + index * embeddingLength).update(from: values, count: embeddingLength)
            if overwritesInput {
                tokenBatch.token[index] = 0
                fill(&tokenBatch, index, position, sequence, output)
            } else {
                fill(&hiddenBatch, index, position, sequence, output)
            }
        }
    }

    private func fill(_ batch: inout llama_batch, _ index: Int, _ position: Int, _ sequence: Int32, _ output: Bool) {
        batch.pos[index] = Int32(position)
        batch.n_seq_id[index] = 1
        batch.seq_id[index]?[0] = sequence
        // What a window hands on has a row per token; so every row is an output there.
        batch.logits[index] = output || givesHiddenStates ? 1 : 0
        batch.n_tokens = Int32(rowCount)
    }

    /// The status of a computation in which a tensor of the window's edge did not come by as expected.
    private static let lostTensor: Int32 = -100

    enum Outcome {
        case done
        /// No free cells; the cache is as before.
        case full
        case failed(Int32)
    }

    /// Computes the batch.
    func compute(tokens: Bool) -> Outcome {
        hook?.begin(inputs: UnsafeBufferPointer(start: hiddenBatch.embd, count: rowCount * embeddingLength))
        let status = shoal_decode(pointer, tokens || overwritesInput ? tokenBatch : hiddenBatch)
        switch status {
        case 0:
            if givesHiddenStates, hook?.givenCount != rowCount * embeddingLength { return .failed(Self.lostTensor) }
            if let hook, !hook.tookInputs { return .failed(Self.lostTensor) }
            return .done
        case 1: return .full
        default: return .failed(status)
        }
    }

    /// The logits of a row of the last batch that was added as an output.
    func logits(ofRow row: Int) -> UnsafeMutablePointer<Float>? {
        llama_get_logits_ith(pointer, Int32(row))
    }

    /// The hidden states that leave the window, rows `rows` of the last batch.
    func hiddenStates(ofRows rows: Range<Int>) -> Data {
        guard let values = hook?.outputs else { return Data() }
        return Data(
            bytes: values + rows.lowerBound * embeddingLength,
            count: rows.count * embeddingLength * MemoryLayout<Float>.stride)
    }

    // MARK: Cells

    func clearAllCells() {
        llama_memory_clear(memory, false)
    }

    func clearCells(of sequence: Int32) {
        _ = llama_memory_seq_rm(memory, sequence, -1, -1)
    }

    /// Gives `target` the first `count` positions of `source`, without computing or copying.
    func shareCells(of source: Int32, with target: Int32, count: Int) {
        llama_memory_seq_cp(memory, source, target, 0, Int32(count))
    }

    /// Copies a sequence's cells into another context over the same layers.
    ///
    /// - Returns: `false` when there is no room; nothing is changed then, but that `sequence` is empty over there.
    func copyCells(of sequence: Int32, to other: WindowContext, buffer: inout [UInt8]) -> Bool {
        let size = llama_state_seq_get_size(pointer, sequence)
        if buffer.count < size { buffer = [UInt8](repeating: 0, count: size) }
        let copied = llama_state_seq_get_data(pointer, &buffer, buffer.count, sequence)
        return copied > 0 && llama_state_seq_set_data(other.pointer, buffer, copied, sequence) > 0
    }

    // MARK: Embeddings

    /// One vector per input, pooled as the model declares; the mean where it declares nothing.
    func embed(_ inputs: [[Int32]], threads: Int) throws -> [[Float]] {
        let longest = inputs.map(\.count).max() ?? 0
        guard longest <= weights.trainedContextLength else {
            throw EngineError(
                .badRequest, "an input has \(longest) tokens, the model takes \(weights.trainedContextLength)")
        }
        var parameters = llama_context_default_params()
        parameters.n_ctx = UInt32(max(longest, 64))
        parameters.n_batch = parameters.n_ctx
        parameters.n_ubatch = parameters.n_ctx
        parameters.n_seq_max = 1
        parameters.n_threads = Int32(threads)
        parameters.n_threads_batch = Int32(threads)
        parameters.embeddings = true
        parameters.no_perf = true
        guard var context = llama_init_from_model(weights.pointer, parameters) else {
            throw EngineError(.outOfMemory, "no memory to embed \(longest) tokens")
        }
        defer { llama_free(context) }
        if llama_pooling_type(context) == LLAMA_POOLING_TYPE_NONE {
            parameters.pooling_type = LLAMA_POOLING_TYPE_MEAN
            guard let pooled = llama_init_from_model(weights.pointer, parameters) else {
                throw EngineError(.outOfMemory, "no memory to embed \(longest) tokens")
            }
            llama_free(context)
            context = pooled
        }
        var batch = llama_batch_init(Int32(longest), 0, 1)
        defer { llama_batch_free(batch) }
        return try inputs.map { tokens in
            for (index, token) in tokens.enumerated() {
                batch.token[index] = token
                batch.pos[index] = Int32(index)
                batch.n_seq_id[index] = 1
                batch.seq_id[index]?[0] = 0
                batch.logits[index] = 1
            }
            batch.n_tokens = Int32(tokens.count)
            if let memory = llama_get_memory(context) { llama_memory_clear(memory, true) }
            let status = shoal_decode(context, batch)
            guard status == 0, let vector = llama_get_embeddings_seq(context, 0) else {
                throw EngineError(.computeFailed, "libllama could not embed \(tokens.count) tokens (status \(status))")
            }
            let width = Int(llama_model_n_embd_out(weights.pointer))
            return Array(UnsafeBufferPointer(start: vector, count: width))
        }
    }
}
