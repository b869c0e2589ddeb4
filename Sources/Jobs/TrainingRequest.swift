/// What somebody wants to have trained.
package struct TrainingRequest: Hashable, Sendable {
    package static let standardOutputModel = "MyCustomModel"
    package static let maximumNameLength = 128
    /// Most bytes of a description: it goes into the trainer's environment.
    package static let maximumDescriptionBytes = 8192

    /// The name that the result is to have: letters, digits, `.`, `_` and `-`, not beginning with a dot or a hyphen.
    package let outputModel: String
    package let description: String
    /// Where the training data are, as the client wrote it: a folder under the file root.
    package let path: String

    /// - Throws: `JobError` of code `badValue` that names the field.
    package init(outputModel: String?, description: String?, path: String) throws(JobError) {
        let outputModel = outputModel ?? Self.standardOutputModel
        let isPlain = outputModel.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isPlain, (1...Self.maximumNameLength).contains(outputModel.utf8.count),
            !outputModel.hasPrefix("."), !outputModel.hasPrefix("-")
        else {
            throw .badValue(
                "output_model",
                "takes 1 to \(Self.maximumNameLength) letters, digits, “.”, “_” and “-”, and begins with neither “.” nor “-”"
            )
        }
        let description = description ?? ""
        guard description.utf8.count <= Self.maximumDescriptionBytes, !description.utf8.contains(0) else {
            throw .badValue("description", "takes at most \(Self.maximumDescriptionBytes) bytes, none of them NUL")
        }
        guard !path.isEmpty else { throw .badValue("train_path", "names the folder of the training data") }
        self.outputModel = outputModel
        self.description = description
        self.path = path
    }

    init(storedModel outputModel: String, description: String, path: String) {
        self.outputModel = outputModel
        self.description = description
        self.path = path
    }
}
