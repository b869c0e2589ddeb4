#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Knows when a template has nearly used up the stack of its thread.
///
/// How much of the stack one level of a template takes depends on the build, so that counting levels alone could not keep a hostile
/// template from crashing the process. The thread is taken for one with a stack of the default size, most of it still free.
struct StackGuard {
    /// The stack grows downwards, and may not grow below this address.
    private let lowestAddress: UInt

    /// What stays free for those who called, and for the calls that walk values (``Elements/maximumDepth``), in bytes.
    private static let reserve = 768 << 10

    /// The stack that threads have unless they ask for another, in bytes.
    private static let defaultSize: Int = {
        var attributes = pthread_attr_t()
        var size = 0
        guard pthread_attr_init(&attributes) == 0 else { return 0 }
        defer { pthread_attr_destroy(&attributes) }
        return pthread_attr_getstacksize(&attributes, &size) == 0 ? size : 0
    }()

    init() {
        // No more than 8 MiB where stacks are said to be huge: such figures are limits, not sizes.
        let usable = max(min(StackGuard.defaultSize, 8 << 20) - StackGuard.reserve, 256 << 10)
        lowestAddress = StackGuard.currentAddress - UInt(usable)
    }

    private static var currentAddress: UInt {
        var marker: UInt8 = 0
        return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
    }

    /// - Throws: ``ChatTemplateError`` if too little is left for another level.
    func check() throws(ChatTemplateError) {
        guard StackGuard.currentAddress > lowestAddress else {
            throw ChatTemplateError(.limitExceeded, "the template is nested too deep for the stack of its thread")
        }
    }
}
