import Identifiers
import Link

/// What a node is called where its operator has not said: after its machine, or, where many machines have that name, by two words
/// that follow from its key and so stay the same.
struct MachineName {
    /// At least 1 and at most 64 characters.
    let text: String

    /// - Parameter hostname: the machine's, with or without its domain.
    init(hostname: String, node: NodeID) {
        let label = hostname.split(separator: ".").first.map(String.init) ?? ""
        text = (1...64).contains(label.count) && !Self.saysNothing(label) ? label : Self.words(for: node)
    }

    /// Whether a name is what images and installers call every machine.
    static func saysNothing(_ label: String) -> Bool {
        let label = label.lowercased()
        if common.contains(label) { return true }
        // Containers are called by twelve digits of their id, machines of clouds by their address.
        return label.count == 12 && label.allSatisfy(\.isHexDigit) || label.hasPrefix("ip-")
    }

    private static let common: Set<String> = [
        "alpine", "arch", "archlinux", "centos", "computer", "debian", "desktop", "fedora", "guest", "host", "laptop",
        "linux",
        "localhost", "machine", "nixos", "node", "none", "pc", "raspberrypi", "rocky", "server", "ubuntu", "vm",
        "workstation",
    ]

    private static func words(for node: NodeID) -> String {
        let (first, second) = (Int(node.bytes[0]), Int(node.bytes[1]))
        return "\(qualities[first % qualities.count])-\(animals[second % animals.count])"
    }

    private static let qualities = [
        "amber", "brave", "bright", "calm", "clear", "coral", "deep", "eager", "early", "fair", "fleet", "gentle",
        "glad", "golden",
        "green", "keen", "kind", "lively", "lucid", "merry", "mild", "nimble", "noble", "pale", "patient", "proud",
        "quick", "quiet",
        "ready", "silver", "steady", "swift",
    ]
    private static let animals = [
        "bass", "bream", "carp", "char", "cod", "dace", "eel", "goby", "grouper", "guppy", "haddock", "hake", "herring",
        "ide", "koi",
        "ling", "loach", "mackerel", "minnow", "mullet", "perch", "pike", "plaice", "pollock", "roach", "salmon",
        "sardine", "smelt",
        "sole", "tench", "trout", "tuna",
    ]
}
