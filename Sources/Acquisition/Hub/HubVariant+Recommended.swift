package import Hub

extension HubVariant {
    /// The variant to take where nobody says which: `Q4_K_M`, else the smallest of four bits, else the first one. Those of
    /// which parts are missing do not count.
    package static func recommended(among variants: [HubVariant]) -> HubVariant? {
        let whole = variants.filter { $0.kind == .model && $0.isComplete }
        if let usual = whole.first(where: { $0.quantization == "Q4_K_M" }) { return usual }
        let fourBits = whole.filter { $0.quantization?.contains("Q4") == true }
        return fourBits.min { ($0.sizeBytes ?? .max, $0.name) < ($1.sizeBytes ?? .max, $1.name) } ?? whole.first
    }

    /// The file that turns images into embeddings, where nobody says which: in 16 bits, else the smallest one.
    package static func recommendedProjector(among variants: [HubVariant]) -> HubListedFile? {
        let whole = variants.filter { $0.kind == .projector && $0.isComplete && $0.files.count == 1 }
        let chosen =
            whole.first { $0.quantization == "F16" }
            ?? whole.min { ($0.sizeBytes ?? .max, $0.name) < ($1.sizeBytes ?? .max, $1.name) }
        return chosen?.files.first
    }
}
