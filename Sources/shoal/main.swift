import ShoalCommands

await ShoalCommand.run(arguments: Array(CommandLine.arguments.dropFirst()))
