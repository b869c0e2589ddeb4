import ShoalTestSupport

/// Safetensors files by hand, right and wrong.
enum SampleFile {
    /// `header` with its length before it and `dataBytes` bytes after it.
    static func bytes(_ header: String, dataBytes: Int = 0, length: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        let length = length ?? UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text
            + (0..<dataBytes).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    }

    /// Three tensors, one of them empty, out of order, with metadata.
    static let ordinary = bytes(
        #"{"__metadata__":{"format":"pt","ss_tag":"{\"a\": 1}"},"b.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[8,20]},"#
            + #""a.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""none":{"dtype":"I64","shape":[0,4],"data_offsets":[8,8]},"#
            + #""é\u00e9\ud83d\ude00":{"dtype":"U8","shape":[],"data_offsets":[20,21]}}   "#,
        dataBytes: 21)
}

/// Damages a file in one to three places: bits, bytes, numbers of its text, cuts and copies.
struct Mutator {
    var generator: SeededRandom

    mutating func damaged(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            guard bytes.count > 12 else { return bytes }
            let place = Int.random(in: 0..<bytes.count - 8, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[place] = .random(in: .min ... .max, using: &generator)
            case 2: bytes[place] = Array("{}[]\":,0129\\ -eu".utf8).randomElement(using: &generator)!
            case 3: bytes.removeSubrange(place..<place + Int.random(in: 1...8, using: &generator))
            case 4:
                let other = Int.random(in: 0..<bytes.count - 8, using: &generator)
                bytes.insert(contentsOf: Array(bytes[other..<other + 8]), at: place)
            case 5:
                // Digits change to digits, which keeps the text a JSON text.
                let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
                guard let digit = digits.randomElement(using: &generator) else { continue }
                bytes[digit] = .random(in: 0x30...0x39, using: &generator)
            default: bytes[0] = bytes[0] &+ UInt8.random(in: 0...4, using: &generator) &- 2
            }
        }
        return bytes
    }
}
