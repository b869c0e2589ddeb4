package import Identifiers

extension LayerRange {
    /// Reads the wire's form; nil when it is empty or runs backwards.
    package init?(wire message: Shoal_V1_LayerRange) {
        self.init(first: Int(message.first), end: Int(message.end))
    }
}

extension Shoal_V1_LayerRange {
    /// The wire's form of `layers`.
    package init(_ layers: LayerRange) {
        self.init()
        first = UInt32(layers.first)
        end = UInt32(layers.end)
    }
}
