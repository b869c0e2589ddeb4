/// Repeatable random numbers (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Damages bytes in one or two places: bits, opcodes, small numbers, cuts and copies.
struct Mutator {
    var generator: SplitMix64
    private let opcodes: [UInt8] = Array("(.012FGIJKLMNQRSTUVX]abcdeghijlopqrstu})BC".utf8) + [UInt8](0x80...0x98)

    init(generator: SplitMix64) { self.generator = generator }

    mutating func damaged(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...2, using: &generator) {
            guard bytes.count > 12 else { return bytes }
            let place = Int.random(in: 0..<bytes.count - 8, using: &generator)
            let other = Int.random(in: 0..<bytes.count - 8, using: &generator)
            let count = Int.random(in: 1...8, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[place] = .random(in: .min ... .max, using: &generator)
            case 2: bytes[place] = opcodes.randomElement(using: &generator)!
            case 3: bytes[place] = .random(in: 0...8, using: &generator)
            case 4: bytes.removeSubrange(place..<place + count)
            case 5: bytes.insert(contentsOf: Array(bytes[other..<other + count]), at: place)
            default: bytes.insert(opcodes.randomElement(using: &generator)!, at: place)
            }
        }
        return bytes
    }
}
