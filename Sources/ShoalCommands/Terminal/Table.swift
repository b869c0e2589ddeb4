/// Rows of text under headers, in columns as wide as their widest cell.
package struct Table: Sendable {
    package var headers: [String]
    package var rows: [[String]]
    /// Columns whose cells are figures and stand at the right.
    package var rightAligned: Set<Int>

    package init(headers: [String], rows: [[String]], rightAligned: Set<Int> = []) {
        self.headers = headers
        self.rows = rows
        self.rightAligned = rightAligned
    }

    /// The lines of the table, without blanks at their ends.
    package func lines() -> [String] {
        let all = [headers] + rows
        let widths = headers.indices.map { column in
            all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return all.map { row in
            var line = ""
            for (column, width) in widths.enumerated() {
                let cell = column < row.count ? row[column] : ""
                let blanks = String(repeating: " ", count: width - cell.count)
                line += (rightAligned.contains(column) ? blanks + cell : cell + blanks) + "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
