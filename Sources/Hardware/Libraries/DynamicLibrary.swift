#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A shared library that is looked for while the program runs, so that the program needs none of a driver's files to start.
///
/// It stays loaded: what such libraries start in a process, they do not always take away.
struct DynamicLibrary: @unchecked Sendable {
    /// Used only for dlsym(3), which any thread may call.
    private let handle: UnsafeMutableRawPointer
    private let name: String

    /// Loads the first of `names` that is installed; `nil` when none is.
    ///
    /// - Throws: ``GPULibraryFault`` when one is installed but cannot be loaded.
    init?(anyOf names: [String]) throws(GPULibraryFault) {
        for name in names {
            if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) {
                self.handle = handle
                self.name = name
                return
            }
            // The loader gives no code: it says "NAME: cannot open shared object file" of the file itself when it is missing,
            // and of another one when that is.
            let message = dlerror().map { String(cString: $0) } ?? "cannot be loaded"
            let isMissing =
                message.hasPrefix("\(name): cannot open shared object file")
                && message.hasSuffix("No such file or directory")
            if !isMissing {
                throw GPULibraryFault(message: "\(name) cannot be loaded: \(DriverText.cleaned(message) ?? message)")
            }
        }
        return nil
    }

    /// A function of the library.
    ///
    /// - Parameter type: Its C signature, as the library's header has it.
    /// - Throws: ``GPULibraryFault`` when the library has no such function.
    func function<Signature>(_ symbol: String, as type: Signature.Type) throws(GPULibraryFault) -> Signature {
        guard let address = dlsym(handle, symbol) else {
            throw GPULibraryFault(message: "\(name) has no \(symbol); install a newer driver")
        }
        return unsafeBitCast(address, to: type)
    }
}

/// Room for text that a C function writes.
///
/// - Returns: What was written up to the first zero, repaired where it is no UTF-8.
func textWritten<Fault: Error>(
    _ write: (_ buffer: UnsafeMutablePointer<CChar>, _ count: Int) throws(Fault) -> Void
) throws(Fault) -> String {
    // Twice what the headers ask for, so that a library that forgets its terminating zero ends inside.
    let count = 256
    let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 2 * count)
    defer { buffer.deallocate() }
    buffer.initialize(repeating: 0)
    guard let start = buffer.baseAddress else { return "" }
    try write(start, count)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
