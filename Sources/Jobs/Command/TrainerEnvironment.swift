/// Which variables of the node's environment a training command gets, besides those that say what it is to do.
///
/// What a node runs with often holds keys (`HF_TOKEN`, `AWS_SECRET_ACCESS_KEY`, passwords of proxies), and a command that works on
/// what users name, and writes a log for them, is no place for keys: so that only what is known to hold none is passed on, and what
/// an operator names.
package struct TrainerEnvironment: Hashable, Sendable {
    /// Names that are always passed on, or beginnings of names where they end with `*`: who and where one is, languages and time,
    /// where programs and libraries are, and which devices and how many threads to use.
    package static let always = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME",
        "CUDA_PATH", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "ROCM_PATH", "ROCR_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "HSA_OVERRIDE_GFX_VERSION", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    ]
    /// Settings and keys of the node itself begin with this, and are never passed on.
    package static let ownPrefix = "SHOAL_"

    /// Nothing but what is always passed on.
    package static let standard = TrainerEnvironment(more: [])

    /// What an operator names, written as in ``always``.
    package let more: [String]

    private init(more: [String]) { self.more = more }

    /// Names between commas: letters, digits and `_`, with a `*` at the end of those that stand for all that begin so.
    ///
    /// Nil where one is something else, stands for everything, or is the node's own.
    package init?(_ text: String) {
        var names: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.drop(while: \.isWhitespace).prefix(while: { !$0.isWhitespace })
            let plain = name.hasSuffix("*") ? name.dropLast() : name
            let isName = plain.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard isName, !plain.isEmpty, part[name.endIndex...].allSatisfy(\.isWhitespace),
                !plain.hasPrefix(Self.ownPrefix)
            else { return nil }
            names.append(String(name))
        }
        more = names
    }

    /// Those variables of the node's environment that a command gets.
    func passedOn(from environment: [String: String]) -> [String: String] {
        let patterns = Self.always + more
        return environment.filter { name, _ in
            !name.hasPrefix(Self.ownPrefix)
                && patterns.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
        }
    }
}
