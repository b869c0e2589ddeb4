/// Shows how far something is: a bar that redraws itself on a terminal, a plain line every tenth otherwise.
///
/// Everything goes to standard error, so that standard output holds results alone.
package struct ProgressBar {
    /// What is going on. A new label begins anew.
    package var label: String {
        didSet { if label != oldValue { lastTenth = -1 } }
    }
    private let isTerminal: Bool
    private let width: Int
    private let write: (String) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastDrawn: ContinuousClock.Instant?
    private var lastTenth = -1

    /// - Parameters:
    ///   - label: What is going on, such as `importing demo`.
    ///   - isTerminal: Whether to draw a bar.
    ///   - width: Columns of the terminal.
    package init(
        _ label: String, isTerminal: Bool = Terminal.showsProgress, width: Int = Terminal.width,
        write: @escaping (String) -> Void = { Terminal.writeError($0) }
    ) {
        self.label = label
        self.isTerminal = isTerminal
        self.width = width
        self.write = write
        self.start = clock.now
    }

    /// Shows that `done` of `total` bytes are done. Cheap to call often.
    package mutating func update(done: Int64, total: Int64) {
        update(
            fraction: total > 0 ? Double(done) / Double(total) : 1,
            detail: "\(Figures.bytes(done)) of \(Figures.bytes(total))")
    }

    /// Shows a fraction from 0 to 1.
    package mutating func update(fraction: Double, detail: String = "") {
        let fraction = min(max(fraction, 0), 1)
        if isTerminal {
            let now = clock.now
            if let lastDrawn, now - lastDrawn < .milliseconds(50), fraction < 1 { return }
            lastDrawn = now
            write("\r\u{1b}[2K" + bar(fraction, detail: detail))
        } else {
            let tenth = Int(fraction * 10)
            guard tenth > lastTenth else { return }
            lastTenth = tenth
            write("\(label): \(tenth * 10) %\(detail.isEmpty ? "" : " (\(detail))")\n")
        }
    }

    /// Ends the bar's line, or wipes it.
    package mutating func finish(wipe: Bool = false) {
        guard isTerminal, lastDrawn != nil else { return }
        write(wipe ? "\r\u{1b}[2K" : "\n")
        lastDrawn = nil
    }

    private func bar(_ fraction: Double, detail: String) -> String {
        let elapsed = clock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let remaining = fraction > 0.01 && seconds > 1 ? Int64((seconds / fraction - seconds).rounded(.up)) : nil
        let rest = fraction < 1 ? remaining.map { ", \(Figures.seconds($0)) left" } ?? "" : ""
        let tail = " \(Int(fraction * 100)) % \(detail)\(rest)"
        let room = min(40, width - label.count - tail.count - 4)
        guard room >= 8 else { return String((label + tail).prefix(max(width - 1, 1))) }
        let filled = Int((Double(room) * fraction).rounded())
        return "\(label) [" + String(repeating: "█", count: filled) + String(repeating: "·", count: room - filled) + "]"
            + tail
    }
}
