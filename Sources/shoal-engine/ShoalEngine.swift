internal import EngineService
internal import Foundation

/// The process that holds the layers of one model; `shoal` starts and stops it.
@main
struct ShoalEngine {
    static func main() async {
        exit(await EngineProcess.main(arguments: CommandLine.arguments))
    }
}
