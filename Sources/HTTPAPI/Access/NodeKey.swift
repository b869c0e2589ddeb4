/// The node key, compared so that the time taken says nothing about where a guess goes wrong.
struct NodeKey: Sendable {
    private let bytes: [UInt8]

    init(_ key: String) { bytes = Array(key.utf8) }

    /// Whether `presented` is the key. Takes the same time for every guess of the same length.
    func matches(_ presented: some StringProtocol) -> Bool {
        let guess = Array(presented.utf8)
        // An empty key would let everybody in.
        guard !bytes.isEmpty else { return false }
        var difference: UInt8 = guess.count == bytes.count ? 0 : 1
        for index in bytes.indices {
            difference |= bytes[index] ^ (index < guess.count ? guess[index] : 0)
        }
        return difference == 0
    }
}
