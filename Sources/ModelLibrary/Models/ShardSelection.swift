package import Identifiers

/// Some shards of a model, written as on the command line: `0,2-4` are shards 0, 2, 3 and 4.
package struct ShardSelection: Hashable, Sendable, CustomStringConvertible {
    package let indices: Set<ShardIndex>

    package init(_ indices: Set<ShardIndex>) {
        self.indices = indices
    }

    /// Reads the text form.
    /// - Throws: `LibraryError` of code `badShards` that quotes what cannot be read.
    package init(parsing text: some StringProtocol) throws {
        var indices: Set<ShardIndex> = []
        for field in text.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = field.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
                first <= last, ShardIndex(first) != nil, ShardIndex(last) != nil
            else {
                throw LibraryError(
                    .badShards, "\"\(field.prefix(40))\" names no shards; write numbers and ranges such as 0,2-4"
                )
            }
            for number in first...last { indices.insert(ShardIndex(checked: number)) }
        }
        self.indices = indices
    }

    /// The text form, runs joined.
    package var description: String {
        var runs: [ClosedRange<Int>] = []
        for index in indices.sorted().map(\.rawValue) {
            if let last = runs.last, last.upperBound + 1 == index {
                runs[runs.count - 1] = last.lowerBound...index
            } else {
                runs.append(index...index)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
