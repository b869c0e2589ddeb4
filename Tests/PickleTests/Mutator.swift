import ShoalTestSupport

/// Damages bytes in one or two places: bits, opcodes, small numbers, cuts and copies.
struct Mutator {
    var generator: SeededRandom
    private let opcodes: [UInt8] = Array("(.012FGIJKLMNQRSTUVX]abcdeghijlopqrstu})BC".utf8) + [UInt8](0x80...0x98)

    init(generator: SeededRandom) { self.generator = generator }

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
