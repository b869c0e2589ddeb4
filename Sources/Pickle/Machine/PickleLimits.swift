/// How much a pickle may hold. A checkpoint's pickle has about fifty opcodes for a tensor.
package struct PickleLimits: Hashable, Sendable {
    package var opcodes = 2_000_000
    package var memoEntries = 500_000
    /// Most values on the stack at once.
    package var stackValues = 500_000
    /// Most marks on the stack at once: how deep what is being built is nested.
    package var marks = 256
    /// Longest line of the text opcodes of protocol 0.
    package var lineBytes = 64 * 1024
    /// Longest text that is looked into; longer ones are just texts, which name nothing.
    package var keptTextBytes = 4096
    /// Most bytes of one pickle.
    package var bytes: UInt64 = 64 << 20

    package init() {}
    package static let defaults = PickleLimits()
}
