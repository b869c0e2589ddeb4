import GGUF
import ShoalTestSupport

/// Builds a small model with seeded random f32 weights.
///
/// The shapes are the smallest that keep every mechanism: several heads that share keys and values, more experts than
/// are used, and widths that are no powers of two where an architecture allows it.
struct SyntheticModel {
    let architecture: String
    let layerCount: Int
    let width: Int
    let heads = 4
    let keyValueHeads = 2
    var headLength: Int { width / heads }
    let feedForward = 96
    let experts = 4
    let expertsUsed = 2
    let expertFeedForward = 32
    let vocabulary = 80
    let contextLength = 128

    private(set) var writer = GGUFWriter()
    private var state: UInt64
    /// What tensor names begin with: `blk.3.` within a layer, nothing outside.
    private var prefix = ""

    init(architecture: String, layerCount: Int, width: Int = 64, seed: UInt64 = 1) {
        self.architecture = architecture
        self.layerCount = layerCount
        self.width = width
        self.state = seed &+ UInt64(layerCount)
        for scalar in architecture.unicodeScalars { state = state &* 31 &+ UInt64(scalar.value) }
        writer.set("general.architecture", to: .string(architecture))
        writer.set("general.name", to: .string("Synthetic \(architecture)"))
        set("block_count", layerCount)
        set("context_length", contextLength)
        set("embedding_length", width)
        set("feed_forward_length", feedForward)
        set("attention.head_count", heads)
        set("attention.head_count_kv", keyValueHeads)
        set("vocab_size", vocabulary)
        writer.set("tokenizer.ggml.model", to: .string("none"))
    }

    // MARK: Metadata

    mutating func set(_ key: String, _ value: Int) {
        writer.set("\(architecture).\(key)", to: .uint32(UInt32(value)))
    }
    mutating func set(_ key: String, _ value: Float) { writer.set("\(architecture).\(key)", to: .float32(value)) }
    mutating func set(_ key: String, _ value: Bool) { writer.set("\(architecture).\(key)", to: .bool(value)) }
    mutating func set(_ key: String, _ value: String) { writer.set("\(architecture).\(key)", to: .string(value)) }
    mutating func set(_ key: String, _ values: [UInt32]) {
        writer.set("\(architecture).\(key)", to: .array(GGUFArray(values)))
    }

    mutating func setPlain(_ key: String, _ values: [Float]) { writer.set(key, to: .array(GGUFArray(values))) }

    mutating func setExperts(sharedCount: Int? = nil) {
        set("expert_count", experts)
        set("expert_used_count", expertsUsed)
        set("expert_feed_forward_length", expertFeedForward)
        if let sharedCount { set("expert_shared_count", sharedCount) }
    }

    // MARK: Tensors

    /// Uniform in -1 ..< 1 (SeededRandom).
    private mutating func random() -> Float {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return Float(Int64(bitPattern: bits ^ (bits >> 31)) >> 40) / Float(1 << 23)
    }

    private mutating func add(_ name: String, _ dimensions: [Int], centre: Float, spread: Float) throws {
        let count = dimensions.reduce(1, *)
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = centre + spread * random() }
            initialized = count
        }
        try writer.add(tensor: prefix + name, dimensions: dimensions.map(UInt64.init), values: values)
    }

    /// A weight matrix that keeps the size of what it multiplies.
    mutating func matrix(_ name: String, _ input: Int, _ output: Int, _ more: Int...) throws {
        let spread = 1.7 / Float(input).squareRoot()
        try add("\(name).weight", [input, output] + more, centre: 0, spread: spread)
    }

    /// The scale of a normalisation, near 1.
    mutating func norm(_ name: String, _ dimensions: Int...) throws {
        try add("\(name).weight", dimensions, centre: 1, spread: 0.3)
    }

    mutating func bias(_ name: String, _ dimensions: Int...) throws {
        try add("\(name).bias", dimensions, centre: 0, spread: 0.2)
    }

    /// A tensor whose name has no `.weight` or `.bias` that the other functions would give.
    mutating func tensor(_ name: String, _ dimensions: Int..., centre: Float = 0, spread: Float) throws {
        try add(name, dimensions, centre: centre, spread: spread)
    }

    mutating func layers(_ build: (inout SyntheticModel, Int) throws -> Void) throws {
        for layer in 0..<layerCount {
            prefix = "blk.\(layer)."
            try build(&self, layer)
        }
        prefix = ""
    }

    // MARK: Common pieces

    mutating func embeddings(tied: Bool, outputBias: Bool = false, normBias: Bool = false) throws {
        try add("token_embd.weight", [width, vocabulary], centre: 0, spread: 1)
        try norm("output_norm", width)
        if normBias { try bias("output_norm", width) }
        if !tied { try matrix("output", width, vocabulary) }
        if outputBias { try bias("output", vocabulary) }
    }

    /// - Parameter ownKeys: each head has keys and values of its own.
    mutating func attention(
        bias hasBias: Bool = false, fused: Bool = false, outputBias: Bool = false, ownKeys: Bool = false
    ) throws {
        let keyWidth = (ownKeys ? heads : keyValueHeads) * headLength
        if fused {
            try matrix("attn_qkv", width, width + 2 * keyWidth)
            if hasBias { try bias("attn_qkv", width + 2 * keyWidth) }
        } else {
            for (name, output) in [("attn_q", width), ("attn_k", keyWidth), ("attn_v", keyWidth)] {
                try matrix(name, width, output)
                if hasBias { try bias(name, output) }
            }
        }
        try matrix("attn_output", width, width)
        if outputBias { try bias("attn_output", width) }
    }

    mutating func gatedFeedForward(_ inner: Int? = nil) throws {
        let inner = inner ?? feedForward
        try matrix("ffn_gate", width, inner)
        try matrix("ffn_up", width, inner)
        try matrix("ffn_down", inner, width)
    }

    mutating func plainFeedForward(bias hasBias: Bool) throws {
        try matrix("ffn_up", width, feedForward)
        if hasBias { try bias("ffn_up", feedForward) }
        try matrix("ffn_down", feedForward, width)
        if hasBias { try bias("ffn_down", width) }
    }

    mutating func mixture(inner: Int? = nil, bias hasBias: Bool = false) throws {
        let inner = inner ?? expertFeedForward
        try matrix("ffn_gate_inp", width, experts)
        try matrix("ffn_gate_exps", width, inner, experts)
        try matrix("ffn_up_exps", width, inner, experts)
        try matrix("ffn_down_exps", inner, width, experts)
        guard hasBias else { return }
        try bias("ffn_gate_inp", experts)
        try bias("ffn_gate_exps", inner, experts)
        try bias("ffn_up_exps", inner, experts)
        try bias("ffn_down_exps", width, experts)
    }

    /// What a layer that predicts a further token has besides an ordinary layer's tensors.
    mutating func nextTokenProjection() throws {
        try matrix("nextn.eh_proj", 2 * width, width)
        try norm("nextn.enorm", width)
        try norm("nextn.hnorm", width)
        try norm("nextn.shared_head_norm", width)
    }

    mutating func sharedExpert(_ inner: Int) throws {
        try matrix("ffn_gate_shexp", width, inner)
        try matrix("ffn_up_shexp", width, inner)
        try matrix("ffn_down_shexp", inner, width)
    }
}
