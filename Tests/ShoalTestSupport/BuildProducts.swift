#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the programs under test and their files are.
package enum BuildProducts {
    /// The folder that holds this test program, and with it `shoal` and `shoal-engine`.
    package static let folder: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for candidate in [executable] + CommandLine.arguments {
            var path = candidate
            while let slash = path.lastIndex(of: "/") {
                path = String(path[..<slash])
                if FileManager.default.isExecutableFile(atPath: path + "/shoal") { return path }
            }
        }
        return "."
    }()

    package static let shoal = folder + "/shoal"

    /// The repository's root.
    package static let root = #filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 }

    /// The small trained model that the repository carries.
    package static let demoModel = root + "/Models/demo/shoal-demo.gguf"
}
