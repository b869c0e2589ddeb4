/// How long a reader may still keep a sending waiting: a pure value.
///
/// A reader has to take ``floorBytesPerSecond`` on the whole. It may take several megabytes at once and then nothing for as
/// long as they last at that speed, as one does that keeps to a limit of its own.
package struct ReaderPace: Sendable {
    package static let floorBytesPerSecond = 16 << 10
    /// What a reader is granted before it has taken anything.
    package static let patience: Duration = .seconds(30)
    /// Longest wait, whatever was taken before.
    package static let longestWait: Duration = .seconds(300)

    /// How long may be waited for the reader now.
    package private(set) var allowance = Self.patience

    package init() {}

    /// The reader was waited for, and took something.
    package mutating func took(_ bytes: Int, after wait: Duration) {
        let earned = Duration.seconds(Double(bytes) / Double(Self.floorBytesPerSecond))
        allowance = max(.zero, min(Self.longestWait, allowance - wait + earned))
    }

    /// Whether nothing more is sent to it.
    package var isTooSlow: Bool { allowance <= .zero }
}
