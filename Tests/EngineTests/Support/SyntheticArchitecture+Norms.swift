import GGUF

extension SyntheticArchitecture {
    private static let rootMeanSquare = "attention.layer_norm_rms_epsilon"
    private static let layerNorm = "attention.layer_norm_epsilon"

    /// Architectures where most layers see a sliding window only. The window is shorter than the tests' prompt.
    static let slidingWindows: [SyntheticArchitecture] = [
        SyntheticArchitecture("gemma2", layers: 7) { model in
            model.set("attention.sliding_window", 8)
            model.set("attention.key_length", model.headLength)
            model.set("attention.value_length", model.headLength)
            model.set("attn_logit_softcapping", Float(50))
            model.set("final_logit_softcapping", Float(30))
            try gemma(&model, headNorms: false)
        },
        SyntheticArchitecture("gemma3", layers: 12) { model in
            model.set("attention.sliding_window", 8)
            model.set("attention.key_length", model.headLength)
            model.set("attention.value_length", model.headLength)
            model.set("rope.freq_base", Float(1_000_000))
            try gemma(&model, headNorms: true)
        },
        SyntheticArchitecture("gemma3", "no sliding window", layers: 4) { model in
            model.set("attention.key_length", model.headLength)
            model.set("attention.value_length", model.headLength)
            try gemma(&model, headNorms: true)
        },
        SyntheticArchitecture("cohere2", layers: 8) { model in
            model.set("attention.sliding_window", 8)
            model.set("logit_scale", Float(0.25))
            try cohere(&model)
        },
        SyntheticArchitecture("olmo2") { try olmo2(&$0) },
        SyntheticArchitecture("olmo2", "sliding window", layers: 8) { model in
            model.set("attention.sliding_window", 8)
            try olmo2(&model)
        },
        SyntheticArchitecture("exaone4", layers: 5) { model in
            model.set(rootMeanSquare, Float(1e-5))
            try model.embeddings(tied: true)
            try model.layers { model, _ in
                try model.attention()
                try model.norm("post_attention_norm", model.width)
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
                try model.gatedFeedForward()
                try model.norm("post_ffw_norm", model.width)
            }
        },
        SyntheticArchitecture("gpt-oss") { model in
            model.setExperts()
            model.set(rootMeanSquare, Float(1e-5))
            model.set("attention.sliding_window", 8)
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(bias: true, outputBias: true)
                try model.tensor("attn_sinks.weight", model.heads, spread: 1)
                try model.norm("post_attention_norm", model.width)
                try model.mixture(bias: true)
            }
        },
        SyntheticArchitecture("llama4", layers: 12) { model in
            model.setExperts()
            model.set(rootMeanSquare, Float(1e-5))
            model.set("interleave_moe_layer_step", 2)
            model.set("attention.key_length", model.headLength)
            model.set("attention.value_length", model.headLength)
            model.set("rope.dimension_count", model.headLength)
            try model.embeddings(tied: false)
            try model.layers { model, layer in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("ffn_norm", model.width)
                if (layer + 1) % 2 == 0 {
                    try model.mixture()
                    try model.sharedExpert(model.expertFeedForward)
                } else {
                    try model.gatedFeedForward()
                }
            }
        },
    ]

    private static func gemma(_ model: inout SyntheticModel, headNorms: Bool) throws {
        model.set(rootMeanSquare, Float(1e-5))
        try model.embeddings(tied: true)
        try model.layers { model, _ in
            try model.norm("attn_norm", model.width)
            try model.attention()
            if headNorms {
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
            }
            try model.norm("post_attention_norm", model.width)
            try model.norm("ffn_norm", model.width)
            try model.gatedFeedForward()
            try model.norm("post_ffw_norm", model.width)
        }
    }

    private static func olmo2(_ model: inout SyntheticModel) throws {
        model.set(rootMeanSquare, Float(1e-5))
        try model.embeddings(tied: false)
        try model.layers { model, _ in
            try model.attention()
            try model.norm("attn_q_norm", model.width)
            try model.norm("attn_k_norm", model.keyValueHeads * model.headLength)
            try model.norm("post_attention_norm", model.width)
            try model.gatedFeedForward()
            try model.norm("post_ffw_norm", model.width)
        }
    }

    /// Attention and feed-forward network side by side.
    private static func cohere(_ model: inout SyntheticModel) throws {
        model.set(layerNorm, Float(1e-5))
        try model.embeddings(tied: true)
        try model.layers { model, _ in
            try model.norm("attn_norm", model.width)
            try model.attention()
            try model.gatedFeedForward()
        }
    }

    /// Architectures with mean-subtracting normalisation, most with biases.
    static let plainNorms: [SyntheticArchitecture] = [
        SyntheticArchitecture("command-r") { model in
            model.set("logit_scale", Float(0.06))
            try cohere(&model)
        },
        SyntheticArchitecture("phi2") { model in
            model.set(layerNorm, Float(1e-5))
            model.set("rope.dimension_count", model.headLength / 2)
            try model.embeddings(tied: false, outputBias: true, normBias: true)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.bias("attn_norm", model.width)
                try model.attention(bias: true, fused: true, outputBias: true)
                try model.plainFeedForward(bias: true)
            }
        },
        SyntheticArchitecture("starcoder2") { try biased(&$0, tied: true, fused: false) },
        SyntheticArchitecture("gpt2") { model in
            try model.matrix("position_embd", model.width, model.contextLength)
            try biased(&model, tied: true, fused: true)
        },
        SyntheticArchitecture("starcoder") { model in
            try model.matrix("position_embd", model.width, model.contextLength)
            try biased(&model, tied: false, fused: true)
        },
        SyntheticArchitecture("gptneox") { model in
            model.set("use_parallel_residual", true)
            model.set("rope.dimension_count", model.headLength / 2)
            try biased(&model, tied: false, fused: true)
        },
        SyntheticArchitecture("nemotron") { model in
            model.set("rope.dimension_count", model.headLength / 2)
            try biased(&model, tied: false, fused: false)
        },
        SyntheticArchitecture("falcon") { model in
            model.set(layerNorm, Float(1e-5))
            try model.embeddings(tied: false, normBias: true)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.bias("attn_norm", model.width)
                try model.norm("attn_norm_2", model.width)
                try model.bias("attn_norm_2", model.width)
                try model.attention(fused: true)
                try model.plainFeedForward(bias: false)
            }
        },
        SyntheticArchitecture("stablelm") { model in
            model.set("rope.dimension_count", model.headLength / 2)
            try gated(&model)
        },
        SyntheticArchitecture("orion") { model in
            model.set("attention.layer_norm_rms_epsilon", Float(1e-5))
            try gated(&model)
        },
        SyntheticArchitecture("olmo") { model in
            model.set(layerNorm, Float(1e-5))
            try model.tensor("token_embd.weight", model.width, model.vocabulary, spread: 1)
            try model.layers { model, _ in
                try model.attention()
                try model.gatedFeedForward()
            }
        },
    ]

    private static func biased(_ model: inout SyntheticModel, tied: Bool, fused: Bool) throws {
        model.set(layerNorm, Float(1e-5))
        try model.embeddings(tied: tied, normBias: true)
        try model.layers { model, _ in
            try model.norm("attn_norm", model.width)
            try model.bias("attn_norm", model.width)
            try model.attention(bias: true, fused: fused, outputBias: true)
            try model.norm("ffn_norm", model.width)
            try model.bias("ffn_norm", model.width)
            try model.plainFeedForward(bias: true)
        }
    }

    private static func gated(_ model: inout SyntheticModel) throws {
        model.set(layerNorm, Float(1e-5))
        try model.embeddings(tied: false, normBias: true)
        try model.layers { model, _ in
            try model.norm("attn_norm", model.width)
            try model.bias("attn_norm", model.width)
            try model.attention()
            try model.norm("ffn_norm", model.width)
            try model.bias("ffn_norm", model.width)
            try model.gatedFeedForward()
        }
    }
}
