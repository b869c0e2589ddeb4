/// How much a pickle may hold. A checkpoint's pickle has about fifty opcodes for a tensor.
package struct PickleLimits: Hashable, Sendable {
    package var opcodes = 2_000_000
    /// Most entries of the memo, and the first number that none of them may have: picklers count up from 0, and CPython makes
    /// room for as many entries as the highest number says.
    package var memoEntries = 500_000
    /// Most values on the stack at once.
    package var stackValues = 500_000
    /// Most marks on the stack at once: how deep what is being built is nested.
    package var marks = 256
    /// How deep containers lie in one another when they are complete.
    package var depth = 128
    /// How many values all opcodes together may look at. Most look at what they take off the stack, but a container from the
    /// memo can be handed to calls and states again and again.
    package var work = 4_000_000
    /// How many values containers, tensors and storages may take together, copies and what is dropped again included. Honest
    /// pickles need about fifty for a tensor.
    package var keptValues = 2_000_000
    /// How many times the bytes of the file all tensors together may have, if that is more than a megabyte. Most have their
    /// storage's; tensors that are expanded or share a storage have more.
    package var tensorBytesFactor: UInt64 = 16
    /// Longest line of the text opcodes of protocol 0.
    package var lineBytes = 64 * 1024
    /// Longest text, or constant of bytes. What describes weights is short, and in a longer one another file could lie.
    package var textBytes = 4096
    /// Most bytes of one pickle.
    package var bytes: UInt64 = 64 << 20

    package init() {}
    package static let defaults = PickleLimits()
}
