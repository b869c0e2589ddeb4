/// One part of a rule, as the engine keeps it, but with a whole class of characters as one item.
struct GBNFItem {
    enum Kind: UInt8 {
        /// The end of a rule.
        case end
        /// The end of one alternative of a rule and the start of the next.
        case alternative
        /// Another rule, by number.
        case rule
        /// A character, by the number of its class.
        case character
        /// A token by number, or -1 where it is given by its text.
        case token
        /// Any token but this.
        case otherToken
    }

    let kind: Kind
    let value: Int32
    /// Where it stands in the text, in bytes.
    let offset: Int32

    /// Whether an alternative ends here.
    var isEnd: Bool { kind == .end || kind == .alternative }
}
