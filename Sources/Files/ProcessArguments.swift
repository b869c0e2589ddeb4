internal import CFiles

/// The arguments of this process, as lists of processes show them to everybody on the machine.
package enum ProcessArguments {
    /// Hides a secret that was given as an argument, or as part of one.
    package static func hide(_ secret: String) { shoal_hide_argument(secret) }
}
