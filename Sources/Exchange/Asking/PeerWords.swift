/// What another node says, before it is put into logs, events or messages.
enum PeerWords {
    private static let maximumLength = 200

    /// The text on one line, without what is not seen or turns text around, and no longer than a sentence.
    static func quoted(_ text: String) -> String {
        var quoted = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(maximumLength) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                quoted.append(" ")
            default: quoted.append(scalar)
            }
        }
        return String(quoted)
    }
}
