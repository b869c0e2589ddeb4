package import ArgumentParser
import Hardware
import Node

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal doctor`: says what is wrong with a set-up, and how to mend it.
package struct DoctorCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what is wrong with a set-up, and how to mend it.",
        discussion:
            "Looks at the data directory, the engine, the machine and the running node. Ends with 1 when a check fails."
    )

    @OptionGroup package var output: OutputOptions

    @Option(
        name: .long, help: ArgumentHelp("Settings file (default: shoal.yaml in the data directory).", valueName: "FILE")
    )
    package var config: String?

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var findings: [Finding] = []
        var settings: Settings?
        do {
            let loaded = try Settings.load(
                flags: connection.dataDir.map { ["node.data_dir": $0] } ?? [:], environment: environment,
                configurationFile: config)
            settings = loaded
            let unknown = loaded.unknownVariables
            findings.append(
                unknown.isEmpty
                    ? .ok("settings", "valid")
                    : .warn(
                        "settings", "\(unknown.joined(separator: ", ")) in the environment is no setting",
                        mend: "check the spelling: a setting is SHOAL_<SECTION>_<KEY>"))
        } catch {
            findings.append(.fail("settings", "\(error)", mend: "correct it, then start the node again"))
        }
        let target = try connection.target(environment: environment, mayBeAway: true)
        findings += DataDirectoryChecks(directory: target.directory).findings()
        findings += await NodeChecks(target: target, settings: settings).findings()
        if let settings { findings += await EngineChecks(program: settings.engine.binary).findings() }
        findings += MachineChecks(dataDirectory: target.directory.path).findings()
        findings += GPUChecks(inventory: await GPUInventory.read()).findings()

        if output.json {
            Terminal.line(try Finding.json(findings))
        } else {
            for finding in findings { Terminal.line(finding.text(coloured: Terminal.isInteractive)) }
        }
        if findings.contains(where: { $0.state == .fail }) { throw ExitCode.failure }
    }
}
