/// What went wrong in the engine, to what, and what to do about it.
package struct EngineError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package struct Code: Hashable, Sendable {
        package let name: String

        private init(_ name: String) {
            self.name = name
        }

        /// libllama could not load the files.
        package static let loadFailed = Code("load_failed")
        /// The memory for the cache or the computation could not be had.
        package static let outOfMemory = Code("out_of_memory")
        /// The key-value cache has no room for another token.
        package static let contextFull = Code("context_full")
        /// The model cannot do what was asked.
        package static let unsupported = Code("unsupported")
        /// The request contradicts itself or the model.
        package static let badRequest = Code("bad_request")
        /// The grammar does not parse.
        package static let badGrammar = Code("bad_grammar")
        /// A computation failed inside libllama.
        package static let computeFailed = Code("compute_failed")
        /// All places for sessions are taken.
        package static let busy = Code("busy")
        /// The window is not loaded, or was unloaded.
        package static let windowUnloaded = Code("window_unloaded")
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.name): \(message)" }
}
