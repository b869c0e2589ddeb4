import ArgumentParser
import Identifiers
import ModelLibrary

/// A model's id on the command line.
extension ModelID: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
