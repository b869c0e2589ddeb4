#if canImport(Glibc)
    import Glibc
#endif

/// The pages of the program and its libraries that starting has read, and running does not need.
///
/// Starting a Swift program reads much of what its files hold once: relocations, and the tables of types and conformances
/// that casts search. Those pages stay resident as long as nobody else wants the memory. A daemon that waits for weeks
/// gives them back instead; what is needed again comes back from the page cache, one fault per page.
package enum StartupPages {
    /// A range of addresses that the kernel has mapped from a file and that was never written to.
    struct Mapping: Equatable {
        var start: UInt
        var end: UInt
    }

    /// Gives back every clean, read-only page that is mapped from a file.
    package static func release() {
        #if os(Linux)
            guard let text = try? SmallFile.read("/proc/self/smaps", limit: 8 << 20) else { return }
            for mapping in cleanMappings(String(decoding: text, as: UTF8.self)) {
                // The bytes are those of the file: dropping a page loses nothing.
                _ = madvise(
                    UnsafeMutableRawPointer(bitPattern: mapping.start), Int(mapping.end - mapping.start), MADV_DONTNEED)
            }
        #endif
    }

    /// Reads /proc/PID/smaps (proc_pid_smaps(5)): mappings of files without write permission and without a private page.
    ///
    /// A mapping that was written to before it became read-only, as the dynamic linker does with relocated data, has
    /// private pages and is left alone.
    static func cleanMappings(_ smaps: String) -> [Mapping] {
        var mappings: [Mapping] = []
        var current: Mapping?
        for line in smaps.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count >= 5, let range = range(fields[0]) {
                let isFile = fields.count >= 6 && fields[5].hasPrefix("/") && fields[4] != "0"
                current = fields[1].hasPrefix("r-") && fields[1].hasSuffix("p") && isFile ? range : nil
            } else if fields.first == "Anonymous:", let mapping = current {
                if fields.count > 1, fields[1] == "0" { mappings.append(mapping) }
                current = nil
            }
        }
        return mappings
    }

    private static func range(_ text: Substring) -> Mapping? {
        let bounds = text.split(separator: "-")
        guard bounds.count == 2, let start = UInt(bounds[0], radix: 16), let end = UInt(bounds[1], radix: 16),
            start < end
        else { return nil }
        return Mapping(start: start, end: end)
    }
}
