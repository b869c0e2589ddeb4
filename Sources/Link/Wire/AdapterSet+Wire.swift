package import Identifiers

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Shoal_V1_AdapterUse {
    package init(_ use: AdapterSet.Use) {
        self.init()
        digest = Data(use.digest)
        scale = use.scale
    }
}

extension AdapterSet {
    /// Nil where the messages are no set of adapters.
    package init?(_ messages: [Shoal_V1_AdapterUse]) {
        self.init(messages.lazy.map { Use(digest: Array($0.digest), scale: $0.scale) })
    }
}
