import ArgumentParser
import Identifiers
package import ModelLibrary

/// Shards on the command line: `0,2-4`.
extension ShardSelection: ExpressibleByArgument {
    package init?(argument: String) {
        try? self.init(parsing: argument)
    }

    package init(_ indices: some Sequence<Int>) {
        self.init(Set(indices.compactMap { ShardIndex($0) }))
    }

    /// The indices, rising.
    var numbers: [Int] { indices.map(\.rawValue).sorted() }
}
