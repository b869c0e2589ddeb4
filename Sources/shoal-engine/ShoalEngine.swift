internal import Dispatch
internal import EngineService
internal import Foundation

/// The process that holds the layers of one model; `shoal` starts and stops it.
@main
struct ShoalEngine {
    static func main() {
        // What the process gives up has to be given up before there are threads, and so before anything is asynchronous.
        let start = EngineProcess.start(arguments: CommandLine.arguments)
        Task { exit(await EngineProcess.main(start)) }
        dispatchMain()
    }
}
