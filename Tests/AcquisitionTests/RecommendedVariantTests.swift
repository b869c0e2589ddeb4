import Acquisition
import Hub
import Testing

/// Files of a repository, with sizes in the order in which they are given.
@Suite struct RecommendedVariantTests {
    private static func variants(_ paths: [String]) throws -> [HubVariant] {
        HubVariant.group(
            try paths.enumerated().map { HubListedFile(path: try HubFilePath($1), sizeBytes: UInt64(100 + $0)) })
    }

    @Test(
        "the usual quantization is taken, else the smallest of four bits, else the first one",
        arguments: [
            (["x-Q2_K.gguf", "x-Q4_K_M.gguf", "x-Q4_0.gguf"], "x-Q4_K_M"),
            (["x-Q8_0.gguf", "x-Q4_1.gguf", "x-Q4_0.gguf"], "x-Q4_1"),
            (["x-Q8_0.gguf", "x-Q4_K_M-00001-of-00002.gguf"], "x-Q8_0"),
            (["mmproj-F16.gguf"], nil),
        ] as [([String], String?)])
    func model(paths: [String], name: String?) throws {
        #expect(HubVariant.recommended(among: try Self.variants(paths))?.name == name)
    }

    @Test(
        "of the files for images the one in 16 bits is taken, else the smallest one",
        arguments: [
            (["mmproj-F32.gguf", "mmproj-F16.gguf", "mmproj-Q8_0.gguf", "x-Q4_K_M.gguf"], "mmproj-F16.gguf"),
            (["x.gguf", "sub/mmproj-b-F32.gguf", "mmproj-a-BF16.gguf"], "sub/mmproj-b-F32.gguf"),
            (["mmproj-F16-00001-of-00002.gguf", "mmproj-F32.gguf"], "mmproj-F32.gguf"),
            (["x-F16.gguf"], nil),
        ] as [([String], String?)])
    func projector(paths: [String], path: String?) throws {
        #expect(HubVariant.recommendedProjector(among: try Self.variants(paths))?.path.text == path)
    }
}
