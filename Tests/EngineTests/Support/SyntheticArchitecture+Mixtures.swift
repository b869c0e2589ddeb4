import GGUF

extension SyntheticArchitecture {
    private static let rootMeanSquare = "attention.layer_norm_rms_epsilon"

    /// A layer with a mixture of experts. `dense` layers at the beginning have a gated feed-forward network.
    private static func mixture(
        _ model: inout SyntheticModel, tied: Bool = false, headNorms: Bool = false, widthNorms: Bool = false,
        dense: Int = 0, fused: Bool = false, bias: Bool = false, ownKeys: Bool = false,
        experts: @Sendable (inout SyntheticModel) throws -> Void
    ) throws {
        model.set(rootMeanSquare, Float(1e-5))
        try model.embeddings(tied: tied)
        try model.layers { model, layer in
            try model.norm("attn_norm", model.width)
            try model.attention(bias: bias, fused: fused, ownKeys: ownKeys)
            if headNorms {
                try model.norm("attn_q_norm", model.headLength)
                try model.norm("attn_k_norm", model.headLength)
            }
            if widthNorms {
                try model.norm("attn_q_norm", model.width)
                try model.norm("attn_k_norm", model.width)
            }
            try model.norm("ffn_norm", model.width)
            if layer < dense { try model.gatedFeedForward() } else { try experts(&model) }
        }
    }

    static let mixtures: [SyntheticArchitecture] = [
        SyntheticArchitecture("qwen2moe") { model in
            model.setExperts()
            model.set("expert_shared_feed_forward_length", 48)
            try mixture(&model, bias: true) { model in
                try model.mixture()
                try model.tensor("ffn_gate_inp_shexp.weight", model.width, spread: 0.2)
                try model.sharedExpert(48)
            }
        },
        SyntheticArchitecture("qwen3moe") { model in
            model.setExperts()
            try mixture(&model, headNorms: true) { try $0.mixture() }
        },
        SyntheticArchitecture("deepseek") { model in
            model.setExperts(sharedCount: 2)
            model.set("leading_dense_block_count", 2)
            model.set("expert_weights_scale", Float(1))
            try mixture(&model, dense: 2) { model in
                try model.mixture()
                try model.sharedExpert(2 * model.expertFeedForward)
            }
        },
        SyntheticArchitecture("dots1") { model in
            model.setExperts(sharedCount: 1)
            model.set("leading_dense_block_count", 1)
            model.set("expert_weights_scale", Float(2.5))
            model.set("expert_weights_norm", true)
            model.set("expert_gating_func", 2)
            model.set("attention.head_count_kv", model.heads)
            try mixture(&model, headNorms: true, dense: 1, ownKeys: true) { model in
                try model.mixture()
                try model.tensor("exp_probs_b.bias", model.experts, spread: 0.1)
                try model.sharedExpert(model.expertFeedForward)
            }
        },
        SyntheticArchitecture("bailingmoe") { model in
            model.setExperts(sharedCount: 1)
            model.set("leading_dense_block_count", 0)
            model.set("expert_weights_scale", Float(1))
            model.set("expert_weights_norm", true)
            try mixture(&model) { model in
                try model.mixture()
                try model.sharedExpert(model.expertFeedForward)
            }
        },
        SyntheticArchitecture("bailingmoe2") { model in
            model.setExperts(sharedCount: 1)
            model.set("leading_dense_block_count", 2)
            model.set("expert_weights_scale", Float(2.5))
            model.set("expert_weights_norm", true)
            model.set("expert_gating_func", 2)
            model.set("expert_group_count", 2)
            model.set("expert_group_used_count", 1)
            model.set("expert_shared_feed_forward_length", model.expertFeedForward)
            try mixture(&model, headNorms: true, dense: 2, fused: true) { model in
                try model.mixture()
                try model.tensor("exp_probs_b.bias", model.experts, spread: 0.1)
                try model.sharedExpert(model.expertFeedForward)
            }
        },
        SyntheticArchitecture("ernie4_5-moe") { model in
            model.setExperts(sharedCount: 1)
            model.set("leading_dense_block_count", 1)
            model.set("interleave_moe_layer_step", 1)
            model.set("expert_shared_feed_forward_length", model.expertFeedForward)
            try mixture(&model, tied: true, dense: 1) { model in
                try model.mixture()
                try model.tensor("exp_probs_b.bias", model.experts, spread: 0.1)
                try model.sharedExpert(model.expertFeedForward)
            }
        },
        SyntheticArchitecture("olmoe") { model in
            model.setExperts()
            model.set("attention.head_count_kv", model.heads)
            try mixture(&model, widthNorms: true, ownKeys: true) { try $0.mixture(inner: $0.feedForward) }
        },
        SyntheticArchitecture("granitemoe") { model in
            model.set("expert_count", model.experts)
            model.set("expert_used_count", model.expertsUsed)
            model.set("embedding_scale", Float(12))
            model.set("residual_scale", Float(0.22))
            model.set("logit_scale", Float(6))
            try mixture(&model, tied: true) { try $0.mixture(inner: $0.feedForward) }
        },
        SyntheticArchitecture("dbrx") { model in
            model.set("expert_count", model.experts)
            model.set("expert_used_count", model.expertsUsed)
            model.set("attention.layer_norm_epsilon", Float(1e-5))
            model.set("attention.clamp_kqv", Float(8))
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention(fused: true)
                try model.norm("attn_output_norm", model.width)
                try model.mixture(inner: model.feedForward)
            }
        },
        SyntheticArchitecture("phimoe") { model in
            model.set("expert_count", model.experts)
            model.set("expert_used_count", model.expertsUsed)
            model.set(rootMeanSquare, Float(1e-5))
            model.set("rope.dimension_count", model.headLength)
            try model.embeddings(tied: false, outputBias: true, normBias: true)
            try model.tensor("rope_factors_long.weight", model.headLength / 2, centre: 3, spread: 1)
            try model.tensor("rope_factors_short.weight", model.headLength / 2, centre: 1.2, spread: 0.1)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.bias("attn_norm", model.width)
                try model.attention(bias: true, outputBias: true)
                try model.norm("ffn_norm", model.width)
                try model.bias("ffn_norm", model.width)
                try model.mixture(inner: model.feedForward)
            }
        },
        SyntheticArchitecture("hunyuan-moe") { model in
            model.setExperts()
            model.set("expert_shared_feed_forward_length", model.expertFeedForward)
            try mixture(&model, tied: true, headNorms: true) { model in
                try model.mixture(inner: model.feedForward)
                try model.sharedExpert(model.expertFeedForward)
            }
        },
        SyntheticArchitecture("minimax-m2") { model in
            model.setExperts()
            model.set("expert_gating_func", 2)
            model.set("rope.dimension_count", model.headLength / 2)
            model.set(rootMeanSquare, Float(1e-5))
            try model.embeddings(tied: false)
            try model.layers { model, _ in
                try model.norm("attn_norm", model.width)
                try model.attention()
                try model.norm("attn_q_norm", model.width)
                try model.norm("attn_k_norm", model.keyValueHeads * model.headLength)
                try model.norm("ffn_norm", model.width)
                try model.mixture(inner: model.feedForward)
                try model.tensor("exp_probs_b.bias", model.experts, spread: 0.1)
            }
        },
        SyntheticArchitecture("glm4moe") { try glm4(&$0, nextTokenLayers: 0) },
        SyntheticArchitecture("glm4moe", "next-token layer", layers: 7) { try glm4(&$0, nextTokenLayers: 1) },
        SyntheticArchitecture("deepseek2", "next-token layer", layers: 7) {
            try compressed(&$0, queryRank: 24, nextTokenLayers: 1)
        },
        SyntheticArchitecture("deepseek2", "compressed queries") { try compressed(&$0, queryRank: 24) },
        SyntheticArchitecture("deepseek2", "plain queries", layers: 27) { try compressed(&$0, queryRank: nil) },
    ]

    private static func glm4(_ model: inout SyntheticModel, nextTokenLayers: Int) throws {
        model.setExperts(sharedCount: 1)
        model.set(rootMeanSquare, Float(1e-5))
        model.set("leading_dense_block_count", 1)
        model.set("expert_weights_scale", Float(1.5))
        model.set("expert_weights_norm", true)
        model.set("rope.dimension_count", model.headLength / 2)
        if nextTokenLayers > 0 { model.set("nextn_predict_layers", nextTokenLayers) }
        try model.embeddings(tied: false)
        try model.layers { model, layer in
            try model.norm("attn_norm", model.width)
            try model.attention(bias: true)
            try model.norm("post_attention_norm", model.width)
            if layer < 1 {
                try model.gatedFeedForward()
            } else {
                try model.mixture()
                try model.tensor("exp_probs_b.bias", model.experts, spread: 0.1)
                try model.sharedExpert(model.expertFeedForward)
            }
            if layer >= model.layerCount - nextTokenLayers { try model.nextTokenProjection() }
        }
    }

    /// Multi-head latent attention (DeepSeek-V2) with two leading dense layers.
    private static func compressed(
        _ model: inout SyntheticModel, queryRank: Int?, nextTokenLayers: Int = 0
    ) throws {
        let rank = 32
        let rotary = 8
        let plain = 16
        let value = 16
        model.setExperts(sharedCount: 1)
        model.set(rootMeanSquare, Float(1e-5))
        model.set("attention.head_count_kv", 1)
        model.set("leading_dense_block_count", 2)
        model.set("expert_weights_scale", Float(1))
        if nextTokenLayers > 0 { model.set("nextn_predict_layers", nextTokenLayers) }
        if let queryRank { model.set("attention.q_lora_rank", queryRank) }
        model.set("attention.kv_lora_rank", rank)
        model.set("attention.key_length", rank + rotary)
        model.set("attention.value_length", rank)
        model.set("attention.key_length_mla", plain + rotary)
        model.set("attention.value_length_mla", value)
        model.set("rope.dimension_count", rotary)
        try model.embeddings(tied: false)
        try model.layers { model, layer in
            try model.norm("attn_norm", model.width)
            let queries = model.heads * (plain + rotary)
            if let queryRank {
                try model.matrix("attn_q_a", model.width, queryRank)
                try model.norm("attn_q_a_norm", queryRank)
                try model.matrix("attn_q_b", queryRank, queries)
            } else {
                try model.matrix("attn_q", model.width, queries)
            }
            try model.matrix("attn_kv_a_mqa", model.width, rank + rotary)
            try model.norm("attn_kv_a_norm", rank)
            try model.matrix("attn_k_b", plain, rank, model.heads)
            try model.matrix("attn_v_b", rank, value, model.heads)
            try model.matrix("attn_output", model.heads * value, model.width)
            try model.norm("ffn_norm", model.width)
            if layer < 2 {
                try model.gatedFeedForward()
            } else {
                try model.mixture()
                try model.sharedExpert(model.expertFeedForward)
            }
            if layer >= model.layerCount - nextTokenLayers { try model.nextTokenProjection() }
        }
    }
}
