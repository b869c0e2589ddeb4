import ArgumentParser

/// How a command prints data.
package struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text for people.")
    package var json = false

    package init() {}
}

/// How a command prints a list.
package struct ListOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of a table.")
    package var json = false

    @Flag(name: .shortAndLong, help: "Print only the name of each, one per line.")
    package var quiet = false

    package init() {}

    package mutating func validate() throws {
        if json && quiet { throw ValidationError("--json and --quiet exclude each other") }
    }
}

/// One row of a list command.
protocol ListRow {
    static var headers: [String] { get }
    /// Columns that hold figures.
    static var rightAligned: Set<Int> { get }
    var cells: [String] { get }
    /// What `--quiet` prints.
    var listName: String { get }
}

extension ListOptions {
    /// Prints a list as the options ask.
    ///
    /// - Parameters:
    ///   - body: The node's own JSON, for `--json`.
    ///   - empty: What a table without rows says instead.
    func print<Row: ListRow>(_ rows: [Row], body: [UInt8], empty: String) {
        if json {
            Terminal.write(body.last == UInt8(ascii: "\n") ? body : body + [UInt8(ascii: "\n")])
        } else if quiet {
            for row in rows { Terminal.line(row.listName) }
        } else if rows.isEmpty {
            Terminal.errorLine(empty)
        } else {
            let table = Table(headers: Row.headers, rows: rows.map(\.cells), rightAligned: Row.rightAligned)
            for line in table.lines() { Terminal.line(line) }
        }
    }
}
