/// The architectures that may be cut, each verified bit for bit by `ExactnessTests`; all others run whole.
///
/// libllama's behaviour is that of the pinned version: what depends on a layer's index or on the number of layers was
/// read in its `load_arch_hparams` and graph builders.
package enum CutTable {
    /// The rule for `model`, from its architecture and from what its header says.
    package static func rule(for model: GGUFModel) -> CutRule {
        guard var rule = architectures[model.architecture] else {
            return CutRule(
                wholeOnly: "the architecture \(model.architecture) is not known to give the same results when cut")
        }
        if let reason = wholeOnlyReason(of: model, rule: rule) { return CutRule(wholeOnly: reason) }
        if let step = model.property("interleave_moe_layer_step")?.integer, step > 1, step <= model.layerCount {
            rule.alignment = leastCommonMultiple(rule.alignment, step)
        }
        rule.forbiddenCounts.formUnion(countsWithoutSlidingWindow(of: model, rule: rule))
        let nextTokenLayers = MetadataRewrite.nextTokenLayers(of: model)
        if nextTokenLayers > 0 {
            rule.rewrites.append(.nextTokenLayers)
            // The last window has all of them and an ordinary layer before; libllama counts its layers without them.
            rule.forbiddenCounts.formUnion(rule.forbiddenCounts.map { $0 + nextTokenLayers })
            rule.forbiddenCounts.formUnion(1...nextTokenLayers)
        }
        if rule.alignment >= model.layerCount {
            return CutRule(
                wholeOnly: "its layers repeat every \(rule.alignment), and it has \(model.layerCount)")
        }
        return rule
    }

    /// Lengths of windows that might have no layer with a sliding window. libllama asserts that a model of such an
    /// architecture has one.
    private static func countsWithoutSlidingWindow(of model: GGUFModel, rule: CutRule) -> Set<Int> {
        for case .slidingWindowPattern(let period, let fullLayerFirst) in rule.rewrites {
            let slides = MetadataRewrite.slidingLayers(
                of: model, defaultPeriod: period, fullLayerFirst: fullLayerFirst)
            var longest = 0
            var run = 0
            for slide in slides {
                run = slide ? 0 : run + 1
                longest = max(longest, run)
            }
            return Set(1..<longest + 1)
        }
        return []
    }

    /// Names of the architectures that may be cut.
    package static var names: [String] { architectures.keys.sorted() }

    /// What in a model's header forbids cutting it although its architecture may be cut.
    private static func wholeOnlyReason(of model: GGUFModel, rule: CutRule) -> String? {
        let nextTokenLayers = MetadataRewrite.nextTokenLayers(of: model)
        if nextTokenLayers > 0, !withNextTokenLayers.contains(model.architecture) {
            return "its last \(nextTokenLayers) layers predict further tokens, which is not verified for cuts"
        }
        if let causal = model.property("attention.causal")?.bool, !causal {
            return "it is an encoder: its tokens look at later ones"
        }
        if let sections = model.property("rope.dimension_sections"), !isEverywhere(0, sections), rule.inputTensor == nil
        {
            return "its rotary embedding wants several positions per token"
        }
        if let mapping = model.property("deepstack_mapping"), !isEverywhere(-1, mapping) {
            return "its layers read image embeddings besides hidden states"
        }
        if model.architecture == "command-r", model.layerCount >= 64 {
            return "libllama expects norms of queries and keys from its 64 layers on"
        }
        if model.architecture == "deepseek2", model.vocabularySize == 154_880,
            model.property("expert_gating_func") == nil
        {
            return "libllama recognises its choice of experts by its number of layers"
        }
        let variants: [String: Set<Int>] = ["gemma2": [46], "gemma3": [62], "exaone4": [64]]
        if variants[model.architecture]?.contains(model.layerCount) == true {
            return "libllama recognises this variant of \(model.architecture) by its \(model.layerCount) layers"
        }
        for placed in model.tensors where model.layer(of: placed.tensor) == nil {
            if TensorRole(name: placed.tensor.name) == .other {
                return "its tensor \(placed.tensor.name) belongs to no layer"
            }
        }
        return nil
    }

    /// Whether a value is `neutral`, or an array of nothing else: what libllama takes where the key is missing.
    private static func isEverywhere(_ neutral: Int, _ value: GGUFValue) -> Bool {
        guard let array = value.array else { return value.integer == neutral }
        guard let elements = try? array.elements() else { return false }
        return elements.allSatisfy { $0.integer == neutral }
    }

    private static func leastCommonMultiple(_ left: Int, _ right: Int) -> Int {
        var (a, b) = (left, right)
        while b != 0 { (a, b) = (b, a % b) }
        return left / a * right
    }

    /// Architectures verified with layers at the end that predict further tokens, which libllama skips in ordinary use.
    private static let withNextTokenLayers: Set<String> = ["deepseek2", "glm4moe"]

    private static let architectures: [String: CutRule] = {
        var table: [String: CutRule] = [:]
        let plain = [
            "llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "phi2", "phi3", "starcoder2", "command-r",
            "falcon", "gpt2", "olmo", "olmoe", "internlm2", "stablelm", "gptneox", "exaone", "mistral3", "chatglm",
            "seed_oss", "arcee", "xverse", "orion", "nemotron", "starcoder", "dbrx", "phimoe", "hunyuan-moe",
            "hunyuan-dense", "minimax-m2", "apertus",
        ]
        for name in plain { table[name] = CutRule() }
        for name in ["deepseek", "dots1", "bailingmoe", "bailingmoe2", "ernie4_5-moe"] {
            table[name] = CutRule(rewrites: [.leadingDenseLayers])
        }
        table["ernie4_5"] = CutRule()
        table["deepseek2"] = CutRule(
            forbiddenCounts: [26, 27, 48],
            rewrites: [
                .leadingDenseLayers, .fallback(key: "attention.q_lora_rank", value: .uint32(0)),
                .fallback(key: "expert_gating_func", value: .uint32(1)),
            ])
        for name in ["granite", "granitemoe"] {
            table[name] = CutRule(rewrites: [.inputScale(key: "embedding_scale")])
        }
        table["minicpm"] = CutRule(rewrites: [
            .inputScale(key: "embedding_scale"),
            .fallback(key: "residual_scale", value: .overRootOfLayers(numerator: 1.4)),
        ])
        // libllama stops the process when these are given embeddings, taking them for an image's.
        table["glm4"] = CutRule(inputTensor: "embd")
        table["glm4moe"] = CutRule(inputTensor: "embd", rewrites: [.leadingDenseLayers])
        // Several positions per token where embeddings come in, one where tokens do.
        table["qwen2vl"] = CutRule(inputTensor: "embd")
        for name in ["qwen3vl", "qwen3vlmoe"] {
            // Text alone adds zeros to the first layers in place of image features.
            table[name] = CutRule(inputTensor: "embd", rewrites: [.zero(key: "n_deepstack_layers")])
        }
        table["gemma"] = CutRule(inputTensor: "inp_scaled")
        table["gemma2"] = CutRule(
            inputTensor: "inp_scaled", forbiddenCounts: [46],
            rewrites: [.slidingWindowPattern(period: 2, fullLayerFirst: false)])
        table["gemma3"] = CutRule(
            forbiddenCounts: [62], rewrites: [.slidingWindowPattern(period: 6, fullLayerFirst: false)])
        for name in ["cohere2", "olmo2"] {
            table[name] = CutRule(rewrites: [.slidingWindowPattern(period: 4, fullLayerFirst: false)])
        }
        table["exaone4"] = CutRule(forbiddenCounts: [64])
        table["gpt-oss"] = CutRule(rewrites: [.slidingWindowPattern(period: 2, fullLayerFirst: false)])
        table["smollm3"] = CutRule(alignment: 4)
        table["llama4"] = CutRule(
            alignment: 4, rewrites: [.slidingWindowPattern(period: 4, fullLayerFirst: false)])
        return table
    }()
}
