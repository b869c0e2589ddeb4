/// The quantization of a GGUF file, as llama.cpp's file types are named: `Q4_K_M`, `IQ3_XXS`, `BF16`, `UD-Q4_K_XL`.
package enum Quantization {
    /// What the file's name says, or else the folder that it lies in; in upper case. Nil where neither says anything.
    package static func name(of path: HubFilePath) -> String? {
        var stem = path.name
        if stem.lowercased().hasSuffix(".gguf") { stem.removeLast(5) }
        if let name = last(in: stem) { return name }
        return path.folder.split(separator: "/").reversed().lazy.compactMap { last(in: String($0)) }.first
    }

    /// The last name of a quantization in `text` that stands by itself, between separators.
    private static func last(in text: String) -> String? {
        let pattern =
            #/(?:^|[-._ ])((?:UD-)?(?:I?Q[1-9]_K(?:_(?:XXL|XXS|XL|XS|L|M|S))?|IQ[1-9]_(?:XXS|XS|NL|S|M|L)|Q[1-9]_[01](?:_[48]_[48])?|TQ[12]_0|MXFP[468](?:_MOE)?|NVFP4|BF16|FP?16|FP?32))(?=$|[-._ ])/#
            .ignoresCase()
        guard let match = text.matches(of: pattern).last else { return nil }
        let name = match.output.1.uppercased()
        return name == "FP16" || name == "FP32" ? "F" + name.dropFirst(2) : name
    }
}
