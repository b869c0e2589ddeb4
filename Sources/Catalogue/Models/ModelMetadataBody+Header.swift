package import GGUF
package import Identifiers
import ModelLibrary
package import NodeAPI

extension ModelMetadataBody {
    /// Longest text of a raw value; what is longer is cut and ends in `...`.
    private static let longestValue = 200
    private static let omittedKeys: Set<String> = [
        "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.scores", "tokenizer.ggml.token_type",
    ]

    package init(id: ModelID, model: GGUFModel) {
        let header = model.header
        let fileType = header["general.file_type"]?.integer
        self.init(
            modelId: id.rawValue,
            general: General(
                name: model.name, architecture: model.architecture,
                architectureSupported: Architectures.isSupported(model.architecture), fileType: fileType,
                quantization: model.fileTypeName),
            model: Model(
                contextLength: model.contextLength, blockCount: model.layerCount,
                embeddingLength: model.embeddingLength, headCount: model.headCount,
                headCountKv: model.keyValueHeadCount,
                ropeDimensionCount: model.property("rope.dimension_count")?.integer,
                ropeFreqBase: model.property("rope.freq_base")?.shortestNumber,
                layerNormRmsEpsilon: model.property("attention.layer_norm_rms_epsilon")?.shortestNumber,
                vocabSize: model.vocabularySize),
            tokenizer: Tokenizer(
                model: model.tokenizerModel, pre: header["tokenizer.ggml.pre"]?.string,
                eosTokenId: header["tokenizer.ggml.eos_token_id"]?.integer,
                bosTokenId: header["tokenizer.ggml.bos_token_id"]?.integer,
                paddingTokenId: header["tokenizer.ggml.padding_token_id"]?.integer),
            tensors: Tensors(count: model.tensors.count, dataOffset: header.dataOffset),
            raw: header.metadata
                .filter { entry in !Self.omittedKeys.contains { entry.key.hasPrefix($0) } }
                .map { RawEntry(key: $0.key, value: Self.text($0.value)) }
                .sorted { $0.key < $1.key })
    }

    private static func text(_ value: GGUFValue) -> String {
        switch value {
        case .string(let text):
            text.unicodeScalars.count > longestValue
                ? String(String.UnicodeScalarView(text.unicodeScalars.prefix(longestValue))) + "..." : text
        case .array(let array): "[array of \(array.count) items]"
        case .bool(let flag): flag ? "true" : "false"
        case .float32(let number): plainDecimal("\(number)")
        case .float64(let number): plainDecimal("\(number)")
        case .uint8(let number): "\(number)"
        case .int8(let number): "\(number)"
        case .uint16(let number): "\(number)"
        case .int16(let number): "\(number)"
        case .uint32(let number): "\(number)"
        case .int32(let number): "\(number)"
        case .uint64(let number): "\(number)"
        case .int64(let number): "\(number)"
        }
    }

    /// Turns Swift's shortest form of a number into digits without an exponent: `1e-05` into `0.00001`, `500000.0` into
    /// `500000`.
    static func plainDecimal(_ text: String) -> String {
        guard let last = text.utf8.last, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(last) else { return text }
        let halves = text.split(separator: "e")
        var mantissa = halves[0]
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        if !sign.isEmpty { mantissa = mantissa.dropFirst() }
        let fields = mantissa.split(separator: ".")
        let fraction = fields.count > 1 && fields[1] != "0" ? String(fields[1]) : ""
        let digits = String(fields[0]) + fraction
        let point = fields[0].count + (halves.count > 1 ? Int(halves[1]) ?? 0 : 0)
        if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }
}

extension GGUFValue {
    /// A number as its writer meant it: the shortest decimal of a 32-bit number, not its exact value.
    fileprivate var shortestNumber: Double? {
        if case .float32(let value) = self { return Double("\(value)") }
        return number
    }
}
