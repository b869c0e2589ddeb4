import GGUF

/// What a scripted model says in one step.
enum ScriptedPiece: Sendable, Equatable, ExpressibleByStringLiteral {
    /// Text as it is, with its spaces and line breaks.
    case text(String)
    /// Bytes that need not end where a character ends.
    case bytes([UInt8])
    /// A control token, which must be among the model's control tokens. A script says each of them once at most.
    case control(String)

    init(stringLiteral value: String) { self = .text(value) }

    /// The text in pieces of `size` bytes, the last one shorter.
    static func cut(_ text: String, every size: Int) -> [ScriptedPiece] {
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: size).map { .bytes(Array(bytes[$0..<min($0 + size, bytes.count)])) }
    }
}

/// A file of a small llama model whose output is a script, token by token, whatever the prompt.
///
/// Attention and feed-forward add nothing, so the hidden state behind a token is that token's embedding, which tells how
/// much of the script has been said: nothing behind every token that is not the script's. The output matrix then favours
/// the next token of the script, and behind the last one the end of sequence, so much that sampling cannot miss it.
///
/// Each step has a token of its own. As no two tokens of a file may have the same text, a piece that was said before is
/// said a byte at a time. Prompts are read a byte at a time, so no piece of the script is a token of theirs; a control
/// token that the script says must not be the last token of a prompt.
struct ScriptedModel {
    enum ScriptError: Error, Equatable {
        /// A script cannot say a control token twice, for the token tells where in the script it stands.
        case saidTwice(String)
        case notAControlToken(String)
    }

    /// Writes the model.
    /// - Parameters:
    ///   - chatTemplate: Jinja, as models carry it.
    ///   - controlTokens: texts that are tokens of their own where prompts are read with control tokens, such as
    ///     `<|im_start|>`. Those that llama.cpp knows as ends, such as `<|im_end|>`, end an answer.
    ///   - feedForwardLength: what makes layers as large as they have to be to lie in shards of their own.
    /// - Throws: `ScriptError`, and `GGUFError` where the file cannot be written.
    static func write(
        to path: String, pieces: [ScriptedPiece], chatTemplate: String? = nil, controlTokens: [String] = [],
        layerCount: Int = 2, contextLength: Int = 4096, feedForwardLength: Int = headLength
    ) throws {
        try ScriptedModel(pieces, controlTokens).writer(chatTemplate, layerCount, contextLength, feedForwardLength)
            .write(to: path)
    }

    /// How many tokens the script has, without the end of sequence.
    /// - Throws: `ScriptError`.
    static func tokenCount(of pieces: [ScriptedPiece], controlTokens: [String] = []) throws -> Int {
        try ScriptedModel(pieces, controlTokens).script.count
    }

    static let headLength = 64
    private static let beginning = 0
    private static let end = 1

    private enum Kind: Int32 {
        case normal = 1
        case control = 3
        case byte = 6
    }

    private var texts = ["<s>", "</s>"]
    private var kinds = [Kind.control, .control]
    /// The tokens of the script, in order.
    private var script: [Int] = []

    private init(_ pieces: [ScriptedPiece], _ controlTokens: [String]) throws {
        for token in controlTokens where !texts.contains(token) { add(token, .control) }
        var said: Set<[UInt8]> = []
        for piece in pieces {
            switch piece {
            case .control(let text):
                guard let token = texts.firstIndex(of: text), kinds[token] == .control else {
                    throw ScriptError.notAControlToken(text)
                }
                guard !script.contains(token) else { throw ScriptError.saidTwice(text) }
                script.append(token)
            case .text(let text): say(Array(text.utf8), &said)
            case .bytes(let bytes): say(bytes, &said)
            }
        }
        for byte in UInt8.min...UInt8.max { add(Self.letters(of: [byte]), .normal) }
    }

    private mutating func add(_ text: String, _ kind: Kind) {
        texts.append(text)
        kinds.append(kind)
    }

    private mutating func say(_ bytes: [UInt8], _ said: inout Set<[UInt8]>) {
        if bytes.count > 1, said.insert(bytes).inserted {
            script.append(texts.count)
            add(Self.letters(of: bytes), .normal)
            return
        }
        for byte in bytes {
            // Only the two digits are read; what follows makes the text another one.
            let digits = String(byte, radix: 16)
            script.append(texts.count)
            add("<0x\(digits.count == 1 ? "0" : "")\(digits)>\(script.count)", .byte)
        }
    }

    /// The letters that stand for bytes in the vocabularies of GPT-2's tokenizer: printable ones for themselves, the others
    /// from U+0100 on, in order.
    private static func letters(of bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes {
            switch byte {
            case 33...126, 161...172, 174...255: text.append(Unicode.Scalar(byte))
            case 0...32: text.append(Unicode.Scalar(0x100 + UInt32(byte)) ?? " ")
            case 127...160: text.append(Unicode.Scalar(0x121 + UInt32(byte) - 127) ?? " ")
            default: text.append(Unicode.Scalar(0x143 as UInt32) ?? " ")
            }
        }
        return String(text)
    }

    // MARK: The file

    private func writer(_ chatTemplate: String?, _ layerCount: Int, _ contextLength: Int, _ feedForwardLength: Int)
        throws -> GGUFWriter
    {
        // How much has been said is a number of two digits, each of which one element of the hidden state stands for.
        var base = 1
        while base * base < script.count + 1 { base += 1 }
        let heads = (2 * base + Self.headLength - 1) / Self.headLength
        let width = heads * Self.headLength
        var writer = GGUFWriter()
        writer.set("general.architecture", to: .string("llama"))
        writer.set("general.name", to: .string("Scripted"))
        for (key, value) in [
            ("block_count", layerCount), ("context_length", contextLength), ("embedding_length", width),
            ("feed_forward_length", feedForwardLength), ("attention.head_count", heads),
            ("attention.head_count_kv", heads), ("rope.dimension_count", Self.headLength), ("vocab_size", texts.count),
        ] {
            writer.set("llama.\(key)", to: .uint32(UInt32(value)))
        }
        writer.set("llama.attention.layer_norm_rms_epsilon", to: .float32(1e-5))
        writer.set("tokenizer.ggml.model", to: .string("gpt2"))
        writer.set("tokenizer.ggml.pre", to: .string("gpt-2"))
        writer.set("tokenizer.ggml.tokens", to: .array(GGUFArray(texts)))
        writer.set("tokenizer.ggml.token_type", to: .array(GGUFArray(kinds.map(\.rawValue))))
        writer.set("tokenizer.ggml.merges", to: .array(GGUFArray([String]())))
        writer.set("tokenizer.ggml.bos_token_id", to: .uint32(UInt32(Self.beginning)))
        writer.set("tokenizer.ggml.eos_token_id", to: .uint32(UInt32(Self.end)))
        writer.set("tokenizer.ggml.add_bos_token", to: .bool(false))
        if let chatTemplate { writer.set("tokenizer.chat_template", to: .string(chatTemplate)) }
        try addTensors(
            to: &writer, base: base, width: width, layerCount: layerCount, feedForwardLength: feedForwardLength)
        return writer
    }

    private func addTensors(
        to writer: inout GGUFWriter, base: Int, width: Int, layerCount: Int, feedForwardLength: Int
    ) throws {
        var embeddings = [Float](repeating: 0, count: texts.count * width)
        var output = embeddings
        func mark(_ said: Int, of token: Int, in matrix: inout [Float], with value: Float) {
            matrix[token * width + said / base] = value
            matrix[token * width + base + said % base] = value
        }
        for token in texts.indices { mark(0, of: token, in: &embeddings, with: 1) }
        for (place, token) in script.enumerated() {
            embeddings.replaceSubrange(token * width..<(token + 1) * width, with: repeatElement(0, count: width))
            mark(place + 1, of: token, in: &embeddings, with: 1)
            mark(place, of: token, in: &output, with: 16)
        }
        mark(script.count, of: Self.end, in: &output, with: 16)

        func add(_ name: String, _ columns: Int, _ rows: Int? = nil, fill: Float = 0) throws {
            let values = [Float](repeating: fill, count: columns * (rows ?? 1))
            try writer.add(
                tensor: "\(name).weight", dimensions: [columns, rows].compactMap { $0 }.map(UInt64.init), values: values
            )
        }
        let matrix = [UInt64(width), UInt64(texts.count)]
        try writer.add(tensor: "token_embd.weight", dimensions: matrix, values: embeddings)
        for layer in 0..<layerCount {
            try add("blk.\(layer).attn_norm", width, fill: 1)
            for name in ["attn_q", "attn_k", "attn_v", "attn_output"] { try add("blk.\(layer).\(name)", width, width) }
            try add("blk.\(layer).ffn_norm", width, fill: 1)
            for name in ["ffn_gate", "ffn_up"] { try add("blk.\(layer).\(name)", width, feedForwardLength) }
            try add("blk.\(layer).ffn_down", feedForwardLength, width)
        }
        try add("output_norm", width, fill: 1)
        try writer.add(tensor: "output.weight", dimensions: matrix, values: output)
    }
}
