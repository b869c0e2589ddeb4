internal import CEngine

/// Signals that end processes, where a computing thread gets one: the thread stops, and the others have a moment to say why.
package enum FatalSignals {
    /// - Parameter status: What the process ends with where nobody ends it within a second.
    package static func watch(status: Int32) {
        shoal_watch_signals(status)
    }

    /// The signal that a computing thread got, and that thread's number.
    package static var received: (signal: Int32, thread: Int32)? {
        var thread: Int32 = 0
        let signal = shoal_fatal_signal(&thread)
        return signal == 0 ? nil : (signal, thread)
    }
}
