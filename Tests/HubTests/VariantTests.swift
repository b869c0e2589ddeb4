import Hub
import Testing

/// Models among the files of a repository.
struct VariantTests {
    @Test(
        arguments: [
            ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"), ("llama-2-7b.q5_0.gguf", "Q5_0"),
            ("model.Q8_0.gguf", "Q8_0"),
            ("x-IQ3_XXS.gguf", "IQ3_XXS"), ("x-IQ4_NL.gguf", "IQ4_NL"), ("x-IQ1_S.gguf", "IQ1_S"),
            ("x-iq2_m.gguf", "IQ2_M"),
            ("x-BF16.gguf", "BF16"), ("x-f16.gguf", "F16"), ("x.fp16.gguf", "F16"), ("x-F32.gguf", "F32"),
            ("gpt-oss-20b-MXFP4.gguf", "MXFP4"), ("x-MXFP4_MOE.gguf", "MXFP4_MOE"),
            ("Qwen3-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
            ("x-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"), ("x-Q2_K.gguf", "Q2_K"), ("x-Q2_K_L.gguf", "Q2_K_L"),
            ("x-Q6_K.gguf", "Q6_K"),
            ("x-Q4_0_4_8.gguf", "Q4_0_4_8"), ("x-TQ1_0.gguf", "TQ1_0"), ("x-NVFP4.gguf", "NVFP4"),
            ("Q8_0/x-00001-of-00002.gguf", "Q8_0"), ("BF16/x-Q4_K_S-00001-of-00002.gguf", "Q4_K_S"),
            ("UD-Q3_K_XL/deep/x-00001-of-00009.gguf", "UD-Q3_K_XL"), ("f16-to-Q4_1.gguf", "Q4_1"),
            ("x-Q3_K_M-imat.gguf", "Q3_K_M"),
            ("model.gguf", nil), ("SQ4_K_Mx.gguf", nil), ("x-Q44_0.gguf", nil), ("gguf16.gguf", nil), ("Q4.gguf", nil),
        ] as [(String, String?)])
    func `the quantization is in the name, or in the folder's`(_ path: String, _ name: String?) throws {
        #expect(try Quantization.name(of: HubFilePath(path)) == name)
    }

    static func files(_ paths: [String]) throws -> [HubListedFile] {
        try paths.enumerated().map { HubListedFile(path: try HubFilePath($1), sizeBytes: UInt64(100 + $0)) }
    }

    @Test func `parts are joined in their order, and projectors told apart`() throws {
        let variants = HubVariant.group(
            try Self.files([
                "README.md", "x-Q8_0-00003-of-00003.gguf", "x-Q8_0-00001-of-00003.gguf", "x-Q8_0-00002-of-00003.gguf",
                "x-Q4_K_M.gguf", "mmproj-x-F16.gguf", "BF16/x-BF16-00001-of-00002.gguf",
            ]))
        #expect(variants.map(\.name) == ["BF16/x-BF16", "mmproj-x-F16", "x-Q4_K_M", "x-Q8_0"])
        #expect(variants.map(\.kind) == [.model, .projector, .model, .model])
        #expect(variants.map(\.quantization) == ["BF16", "F16", "Q4_K_M", "Q8_0"])
        #expect(variants.map(\.isComplete) == [false, true, true, true])
        #expect(variants.map(\.missingParts) == [[2], [], [], []])
        #expect(variants[3].files.map(\.path.text).map { $0.dropFirst(7).prefix(5) } == ["00001", "00002", "00003"])
        #expect(variants[3].sizeBytes == 101 + 102 + 103)
    }

    @Test func `sets of other lengths are other variants`() throws {
        let variants = HubVariant.group(
            try Self.files(["x-Q8_0-00001-of-00002.gguf", "x-Q8_0-00001-of-00003.gguf", "x-Q8_0-00002-of-00002.gguf"]))
        #expect(variants.map(\.isComplete) == [false, true])
        #expect(variants.map(\.files.count) == [1, 2])
    }

    @Test(arguments: [
        "x-00000-of-00002.gguf", "x-00003-of-00002.gguf", "x-00001-of-99999.gguf", "x-1-of-2.gguf",
        "x-00001-of-00000.gguf",
    ])
    func `numbers that cannot be are part of the name`(_ path: String) throws {
        let variants = HubVariant.group(try Self.files([path]))
        #expect(variants.map(\.name) == [String(path.dropLast(5))])
        #expect(variants.map(\.isComplete) == [true])
    }

    @Test func `sizes that are not known or too large have no sum`() throws {
        let path = try (1...2).map { try HubFilePath("x-0000\($0)-of-00002.gguf") }
        let open = [HubListedFile(path: path[0], sizeBytes: 5), HubListedFile(path: path[1], sizeBytes: nil)]
        #expect(HubVariant.group(open)[0].sizeBytes == nil)
        #expect(HubVariant.group(path.map { HubListedFile(path: $0, sizeBytes: .max) })[0].sizeBytes == nil)
    }
}
