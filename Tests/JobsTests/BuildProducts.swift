#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the programs under test are.
enum BuildProducts {
    /// `shoal`, in the folder that holds this test program.
    static let shoal: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for candidate in [executable] + CommandLine.arguments {
            var path = candidate
            while let slash = path.lastIndex(of: "/") {
                path = String(path[..<slash])
                if FileManager.default.isExecutableFile(atPath: path + "/shoal") { return path + "/shoal" }
            }
        }
        return "shoal"
    }()
}
