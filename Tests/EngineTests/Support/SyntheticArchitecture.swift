import GGUF
import Testing

/// An architecture as the exactness tests build it.
struct SyntheticArchitecture: Sendable, CustomTestStringConvertible {
    /// The architecture's name and, in brackets, which form of it this is.
    let label: String
    let layerCount: Int
    private let width: Int
    private let name: String
    private let build: @Sendable (inout SyntheticModel) throws -> Void

    var testDescription: String { label }

    init(
        _ name: String, _ form: String? = nil, layers: Int = 6, width: Int = 64,
        _ build: @escaping @Sendable (inout SyntheticModel) throws -> Void
    ) {
        self.name = name
        self.label = form.map { "\(name) (\($0))" } ?? name
        self.layerCount = layers
        self.width = width
        self.build = build
    }

    /// The model's file, in memory.
    func encoded() throws -> [UInt8] {
        var model = SyntheticModel(architecture: name, layerCount: layerCount, width: width)
        try build(&model)
        return try model.writer.encoded()
    }
}

extension SyntheticArchitecture {
    /// Every architecture that `CutTable` allows to cut.
    static let cuttable = llamaLike + mixtures + slidingWindows + plainNorms

    private static let rootMeanSquare = "attention.layer_norm_rms_epsilon"
    private static let layerNorm = "attention.layer_norm_epsilon"

    /// The usual layer: normalise, attend, normalise, gate.
    private static func usual(
        _ model: inout SyntheticModel, tied: Bool = false, bias: Bool = false, rotaryFactors: Bool = false,
        feedForward: @Sendable (inout SyntheticModel, Int) throws -> Void = { model, _ in try model.gatedFeedForward() }
    ) throws {
        model.set(rootMeanSquare, Float(1e-5))
        try model.embeddings(tied: tied)
        if rotaryFactors { try model.tensor("rope_freqs.weight", model.headLength / 2, centre: 2, spread: 1) }
        try model.layers { model, layer in
            try model.norm("attn_norm", model.width)
            try model.attention(bias: bias)
            try model.norm("ffn_norm", model.width)
            try feedForward(&model, layer)
        }
    }

    private static func qwen3vl(
        _ model: inout SyntheticModel, feedForward: (inout SyntheticModel) throws -> Void
    ) throws {
        model.set(rootMeanSquare, Float(1e-5))
        model.set("rope.dimension_sections", [3, 3, 2, 0] as [UInt32])
        model.set("n_deepstack_layers", 3)
        try model.embeddings(tied: false)
        try model.layers { model, _ in
            try model.norm("attn_norm", model.width)
            try model.attention()
            try model.norm("attn_q_norm", model.headLength)
            try model.norm("attn_k_norm", model.headLength)
            try model.norm("ffn_norm", model.width)
            try feedForward(&model)
        }
    }

    private static let llamaLike: [SyntheticArchitecture] = [
        SyntheticArchitecture("llama", "rotary factors") { model in
            model.set("rope.dimension_count", model.headLength)
            try usual(&model, rotaryFactors: true)
        },
        SyntheticArchitecture("llama", "tied embeddings") { try usual(&$0, tied: true) },
        SyntheticArchitecture("llama", "sizes by layer", layers: 4) { model in
            model.set("attention.head_count_kv", [2, 2, 2, 2] as [UInt32])
            model.set("feed_forward_length", [96, 96, 96, 96] as [UInt32])
            try usual(&model)
        },
        SyntheticArchitecture("llama", "experts") { model in
            model.set("expert_count", model.experts)
            model.set("expert_used_count", model.expertsUsed)
            try usual(&model) { model, _ in try model.mixture(inner: model.feedForward) }
        },
        // Stand-ins for the vocabulary's matrices have another type by the width's divisors: 64, 128, 32, none.
        SyntheticArchitecture("llama", "width 128", width: 128) { try usual(&$0) },
        SyntheticArchitecture("llama", "width 96", width: 96) { try usual(&$0) },
        SyntheticArchitecture("llama", "width 80", width: 80) { try usual(&$0) },
        SyntheticArchitecture("mistral3") { try usual(&$0) },
        SyntheticArchitecture("qwen2") { try usual(&$0, tied: true, bias: true) },
        SyntheticArchitecture("internlm2") { try usual(&$0) },
        SyntheticArchitecture("xverse") { try usual(&$0) },
        SyntheticArchitecture("seed_oss") { model in
            model.set(rootMeanSquare, Float(1e-5))
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(bias: true)
                try model.norm("post_attention_norm", model.width)
                try model.gatedFeedForward()
            }
        },
        SyntheticArchitecture("exaone") { try usual(&$0, rotaryFactors: true) },
        SyntheticArchitecture("smollm3", layers: 12) { try usual(&$0, tied: true) },
        SyntheticArchitecture("ernie4_5") { try usual(&$0, tied: true) },
        SyntheticArchitecture("granite") { model in
            model.set("embedding_scale", Float(12))
            model.set("residual_scale", Float(0.22))
            model.set("attention.scale", Float(0.2))
            model.set("logit_scale", Float(8))
            try usual(&model, tied: true)
        },
        SyntheticArchitecture("minicpm") { try usual(&$0, tied: true) },
        SyntheticArchitecture("minicpm", "scales") { model in
            model.set("embedding_scale", Float(9))
            model.set("residual_scale", Float(0.3))
            model.set("logit_scale", Float(0.5))
            try usual(&model, tied: true)
        },
        SyntheticArchitecture("qwen3") { model in
            model.set(rootMeanSquare, Float(1e-5))
            try model.embeddings(tied: true)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
                try model.norm("ffn_norm", model.width)
                try model.gatedFeedForward()
            }
        },
        SyntheticArchitecture("hunyuan-dense") { model in
            model.set(rootMeanSquare, Float(1e-5))
            model.set("rope.scaling.alpha", Float(50))
            try model.embeddings(tied: true)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
                try model.norm("ffn_norm", model.width)
                try model.gatedFeedForward()
            }
        },
        SyntheticArchitecture("apertus", layers: 5) { model in
            model.set(rootMeanSquare, Float(1e-5))
            model.setPlain("xielu.alpha_n", [0.8, 0.5, 0.9, 0.4, 0.7])
            model.setPlain("xielu.alpha_p", [0.6, 0.9, 0.3, 0.8, 0.5])
            model.setPlain("xielu.beta", [0.5, 0.4, 0.6, 0.3, 0.7])
            model.setPlain("xielu.eps", [-1e-6, -2e-6, -1e-6, -3e-6, -1e-6])
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
                try model.norm("ffn_norm", model.width)
                try model.plainFeedForward(bias: false)
            }
        },
        SyntheticArchitecture("qwen2vl") { model in
            model.set("rope.dimension_sections", [2, 3, 3, 0] as [UInt32])
            try usual(&model, bias: true)
        },
        SyntheticArchitecture("qwen3vl") { try qwen3vl(&$0) { try $0.gatedFeedForward() } },
        SyntheticArchitecture("qwen3vlmoe") { model in
            model.setExperts()
            try qwen3vl(&model) { try $0.mixture() }
        },
        SyntheticArchitecture("gemma") { model in
            model.set("attention.key_length", model.headLength)
            model.set("attention.value_length", model.headLength)
            try usual(&model, tied: true)
        },
        SyntheticArchitecture("phi3", "long rope factors") { model in
            model.set(rootMeanSquare, Float(1e-5))
            model.set("rope.dimension_count", model.headLength)
            model.set("rope.scaling.original_context_length", 32)
            try model.embeddings(tied: false)
            try model.tensor("rope_factors_long.weight", model.headLength / 2, centre: 3, spread: 1)
            try model.tensor("rope_factors_short.weight", model.headLength / 2, centre: 1.2, spread: 0.1)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(fused: true)
                try model.norm("ffn_norm", model.width)
                try model.matrix("ffn_up", model.width, 2 * model.feedForward)
                try model.matrix("ffn_down", model.feedForward, model.width)
            }
        },
        SyntheticArchitecture("glm4", width: 128) { model in
            model.set(rootMeanSquare, Float(1e-5))
            model.set("rope.dimension_count", model.headLength / 2)
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(bias: true)
                try model.norm("post_attention_norm", model.width)
                try model.norm("ffn_norm", model.width)
                try model.matrix("ffn_up", model.width, 2 * model.feedForward)
                try model.matrix("ffn_down", model.feedForward, model.width)
                try model.norm("post_ffw_norm", model.width)
            }
        },
        SyntheticArchitecture("chatglm") { model in
            model.set(rootMeanSquare, Float(1e-5))
            model.set("rope.dimension_count", model.headLength / 2)
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(bias: true, fused: true)
                try model.norm("ffn_norm", model.width)
                try model.matrix("ffn_up", model.width, 2 * model.feedForward)
                try model.matrix("ffn_down", model.feedForward, model.width)
            }
        },
        SyntheticArchitecture("arcee") { model in
            model.set(rootMeanSquare, Float(1e-5))
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("ffn_norm", model.width)
                try model.plainFeedForward(bias: false)
            }
        },
    ]
}
