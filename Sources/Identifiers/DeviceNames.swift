extension StringProtocol {
    /// Whether some system keeps the name, with any extension, for a device: `con`, `nul.gguf`, `COM1`.
    ///
    /// A data directory may be on such a system's disk, or be copied there.
    package var isDeviceName: Bool {
        let stem = prefix { $0 != "." }.lowercased()
        if ["con", "prn", "aux", "nul"].contains(stem) { return true }
        return stem.utf8.count == 4 && ["com", "lpt"].contains(String(stem.prefix(3)))
            && stem.utf8.last.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == true
    }
}
