/// What a GGUF file can hold besides a language model, by its metadata.
///
/// Source: `general.type` and `general.architecture` as llama.cpp's converters write them (gguf-py `constants.py`,
/// `GGUFType`), and the architectures of image models that ComfyUI-GGUF reads.
struct OtherContent: Equatable {
    /// The key that tells.
    let key: String
    /// What it is, and what to take instead.
    let sentence: String

    /// Nil where the header may be that of a language model.
    init?(of header: GGUFHeader) {
        let type = header["general.type"]?.string ?? "model"
        let architecture = header["general.architecture"]?.string ?? ""
        if let sentence = Self.types[type] {
            self = OtherContent(key: "general.type", sentence: sentence)
        } else if let sentence = Self.architectures[architecture] {
            self = OtherContent(key: "general.architecture", sentence: sentence)
        } else {
            return nil
        }
    }

    private init(key: String, sentence: String) {
        self.key = key
        self.sentence = sentence
    }

    private static let projector =
        "it is the part of a model that reads images or sound (mmproj); take the file of the language model"

    private static let types = [
        "adapter": "it is an adapter (LoRA), which changes another model; take the file of that model",
        "mmproj": projector,
        "imatrix": "it holds statistics for quantizing a model (imatrix); take the file of the model itself",
    ]

    private static let architectures: [String: String] = {
        var table = [
            "clip": projector,
            "controlvector": "it is a control vector, which changes another model; take the file of that model",
        ]
        for name in ["dream", "llada", "llada-moe", "rnd1"] {
            table[name] =
                "it is a diffusion model (\(name)): it rewrites its whole answer many times, which Shoal does not do yet; take "
                + "a model that writes token by token"
        }
        for name in [
            "aura", "cosmos", "flux", "hidream", "hyvid", "ltxv", "lumina2", "qwen_image", "sd1", "sd3", "sdxl", "wan",
        ] {
            table[name] = "it is a model that makes images or video (\(name)); Shoal runs language models"
        }
        return table
    }()
}
