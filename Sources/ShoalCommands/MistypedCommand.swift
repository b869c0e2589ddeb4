import ArgumentParser

/// A word on the command line where a command's name belongs, and there is no such command.
struct MistypedCommand: Equatable {
    /// The command that it was said to, as `shoal models`.
    let parent: String
    let word: String
    /// The command whose name is most like it; nil where none is.
    let suggestion: String?

    /// Nil where every name is one.
    init?(in arguments: [String], of root: any ParsableCommand.Type) {
        var command = root
        var path = Self.name(of: root)
        for argument in arguments {
            let commands = command.configuration.subcommands
            guard !commands.isEmpty, !argument.hasPrefix("-") else { return nil }
            let found = commands.first {
                Self.name(of: $0) == argument || $0.configuration.aliases.contains(argument)
            }
            guard let found else {
                if argument == "help" { return nil }
                parent = path
                word = argument
                let shown = commands.filter { $0.configuration.shouldDisplay }
                suggestion = Self.closest(to: argument, among: shown.map { Self.name(of: $0) })
                return
            }
            command = found
            path += " \(argument)"
        }
        return nil
    }

    var message: String {
        let word = word.prefix(40)
        guard let suggestion else { return "there is no “\(parent) \(word)”" }
        return "there is no “\(parent) \(word)”; did you mean “\(parent) \(suggestion)”?"
    }

    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? command._commandName
    }

    /// The name that takes fewest changes, where those are few for its length.
    static func closest(to word: String, among names: [String]) -> String? {
        let distances = names.map { ($0, distance(Array(word.lowercased().utf8.prefix(40)), Array($0.utf8))) }
        return distances.min { $0.1 < $1.1 }.flatMap {
            $0.1 <= max(1, $0.0.utf8.count / 3) && $0.1 < word.utf8.count ? $0.0 : nil
        }
    }

    /// Letters that have to be put in, taken out, changed, or swapped with the next one (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var next = [index + 1]
            for (place, other) in right.enumerated() {
                var least = min(row[place] + (letter == other ? 0 : 1), row[place + 1] + 1, next[place] + 1)
                if index > 0, place > 0, letter == right[place - 1], left[index - 1] == other {
                    least = min(least, before[place - 1] + 1)
                }
                next.append(least)
            }
            (before, row) = (row, next)
        }
        return row[right.count]
    }
}
