import BLAKE3
import ShoalTestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One line of the official test vectors: the input is `0, 1, … 250, 0, 1, …`, the outputs have 131 bytes.
struct OfficialVector: Sendable, CustomTestStringConvertible {
    var inputLength: Int
    var hash, keyedHash, derivedKey: String

    var testDescription: String { "\(inputLength) bytes" }

    var input: [UInt8] { (0..<inputLength).map { UInt8($0 % 251) } }

    static let key = Array("whats the Elvish word for friend".utf8)
    static let context = "BLAKE3 2019-12-27 16:29:52 test vectors context"

    /// `Resources/vectors.txt`: length, hash, keyed hash and derived key, separated by spaces.
    static let all: [OfficialVector] = String(decoding: PackageResources.vectors_txt, as: UTF8.self)
        .split(separator: "\n").map { line in
            let fields = line.split(separator: " ").map(String.init)
            return OfficialVector(
                inputLength: Int(fields[0]) ?? -1, hash: fields[1], keyedHash: fields[2], derivedKey: fields[3]
            )
        }
}

struct BLAKE3Tests {
    private func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// Processor time of this thread.
    private func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("the official vectors are all there")
    func vectorCount() {
        #expect(OfficialVector.all.count == 35)
    }

    @Test("matches the official vectors in all three modes", arguments: OfficialVector.all)
    func officialVectors(vector: OfficialVector) {
        var plain = BLAKE3()
        plain.update(vector.input)
        #expect(hex(plain.finalize(count: 131)) == vector.hash)
        #expect(plain.finalize().hex == vector.hash.prefix(64))

        var keyed = BLAKE3(key: OfficialVector.key)
        keyed.update(vector.input)
        #expect(hex(keyed.finalize(count: 131)) == vector.keyedHash)

        var derived = BLAKE3(deriveKeyContext: OfficialVector.context)
        derived.update(vector.input)
        #expect(hex(derived.finalize(count: 131)) == vector.derivedKey)
    }

    @Test("pieces of any length hash like the whole", arguments: 1...20)
    func piecesEqualWhole(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let length = Int.random(in: 0...60_000, using: &random)
        let input = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let longest = [1, 7, 63, 64, 65, 1023, 1024, 1025, 9000, 20_000].randomElement(using: &random) ?? 1
        guard longest > 1 || length < 20_000 else { return }
        var hash = BLAKE3()
        var start = 0
        while start < length {
            let end = min(length, start + Int.random(in: 0...longest, using: &random))
            hash.update(input[start..<end])
            start = end
        }
        #expect(hash.finalize() == BLAKE3.hash(input))
    }

    @Test("finalizing changes nothing, and a copy is independent")
    func snapshots() {
        var hash = BLAKE3()
        hash.update(Array(repeating: 1, count: 5000))
        let before = hash.finalize()
        var copy = hash
        copy.update([2])
        #expect(hash.finalize() == before)
        #expect(copy.finalize() != before)
    }

    @Test("a sequence without contiguous storage hashes like an array")
    func lazySequence() {
        var hash = BLAKE3()
        hash.update((0..<3000).lazy.map { UInt8(truncatingIfNeeded: $0) })
        #expect(hash.finalize() == BLAKE3.hash((0..<3000).map { UInt8(truncatingIfNeeded: $0) }))
    }

    @Test("one core hashes at least 500 MB a second")
    func speed() {
        // The aim is 1 GB/s; half of it leaves room for a slow machine. Processor time, best of several runs.
        let input = [UInt8](repeating: 7, count: 32 << 20)
        let best = (0..<5).map { _ in
            let start = processorSeconds()
            _ = BLAKE3.hash(input)
            return processorSeconds() - start
        }.min()
        let rate = Double(input.count) / (best ?? .infinity) / 1e9
        print("BLAKE3: \(rate) GB/s")
        #expect(rate > 0.5)
    }
}

struct DigestTests {
    @Test("hex digits survive the round trip, in either case")
    func hexRoundTrip() throws {
        let digest = BLAKE3.hash(Array("shoal".utf8))
        #expect(BLAKE3.Digest(hex: digest.hex) == digest)
        #expect(BLAKE3.Digest(hex: digest.hex.uppercased()) == digest)
        #expect(BLAKE3.Digest(bytes: digest.bytes) == digest)
        #expect(digest.bytes.count == 32)
        #expect("\(digest)" == digest.hex)
    }

    @Test(
        "refuses what is not 64 hex digits",
        arguments: [
            "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "g", count: 64), String(repeating: "é", count: 32),
        ]
    )
    func refusedHex(text: String) {
        #expect(BLAKE3.Digest(hex: text) == nil)
    }

    @Test("refuses any other number of bytes", arguments: [0, 31, 33])
    func refusedBytes(count: Int) {
        #expect(BLAKE3.Digest(bytes: [UInt8](repeating: 0, count: count)) == nil)
    }
}
