/// What connections may take of the node.
package struct ConnectionLimits: Sendable {
    /// Connections at once.
    package var total: Int
    /// Connections at once from one address.
    package var perAddress: Int
    /// From the first byte of a request, or from the start of a connection, to the end of the request's head.
    package var headTime: Duration = .seconds(20)
    /// From the end of the head to the end of a body of ``RequestBodies/smallBytes`` or less. Larger ones have limits of their own.
    package var bodyTime: Duration = .seconds(30)
    /// How long a client may go on sending a body that has been answered already.
    package var restTime: Duration = .seconds(2)

    /// - Parameter perAddress: nil for three quarters of all.
    package init(total: Int = 512, perAddress: Int? = nil) {
        self.total = max(1, total)
        self.perAddress = max(1, perAddress ?? self.total * 3 / 4)
    }

    /// For a process that may have so many files open: half of them, and 4,096 at most.
    package init(openFiles: Int) { self.init(total: min(4096, openFiles / 2)) }
}
