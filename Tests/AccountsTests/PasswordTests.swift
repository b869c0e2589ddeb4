import Crypto
import Dispatch
import Synchronization
import Testing

@testable import Accounts

struct PasswordTests {
    @Test("hashes are scrypt's: the test vector of RFC 7914 comes out")
    func vector() throws {
        // RFC 7914, 12: N = 16384, r = 8, p = 1; the first 32 bytes.
        let expected: [UInt8] = [
            0x70, 0x23, 0xBD, 0xCB, 0x3A, 0xFD, 0x73, 0x48, 0x46, 0x1C, 0x06, 0xCD, 0x81, 0xFD, 0x38, 0xEB, 0xFD, 0xA8,
            0xFB, 0xBA, 0x90, 0x4F, 0x8E, 0x3E, 0xA9, 0xB5, 0x43, 0xF6, 0x54, 0x5D, 0xA1, 0xF2,
        ]
        let password = try Password("pleaseletmein")
        let key = try PasswordHash.derive(
            password, salt: Array("SodiumChloride".utf8), cost: .init(logRounds: 14, blockSize: 8, parallelism: 1))
        #expect(key == SymmetricKey(data: expected))
    }

    @Test("a hash at the standard cost matches its password and no other")
    func standardCost() throws {
        let password = try Password("correct horse")
        let hash = try PasswordHash(of: password)
        let read = try #require(PasswordHash(hash.text))
        #expect(hash.text.hasPrefix("$scrypt$ln=15,r=8,p=3$") && read == hash)
        #expect(try read.matches(password))
        #expect(try !read.matches(Password("correct horsf")))
    }

    @Test("equal passwords have different hashes")
    func salts() throws {
        let password = try Password("correct horse")
        #expect(
            try PasswordHash(of: password, cost: .negligible)
                != PasswordHash(of: password, cost: .negligible))
    }

    @Test("it does not matter how a keyboard makes its letters")
    func normalisation() async throws {
        let hasher = PasswordHasher(limits: .init(cost: .negligible))
        let hash = try await hasher.hash(Password("pässwörter"), for: .logIn)
        #expect(try await hasher.verify("pa\u{308}sswo\u{308}rter", against: hash))
        #expect(try await !hasher.verify("passworter", against: hash))
    }

    @Test(
        "what cannot be a hash, or would cost too much, is none",
        arguments: [
            "", "$", "$scrypt$ln=15,r=8,p=3$$", "$scrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
            "$scrypt$ln=40,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=18,r=32,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=-1,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$scrypt$ln=15,r=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ])
    func badHashes(text: String) async throws {
        #expect(PasswordHash(text) == nil)
        let hasher = PasswordHasher(limits: .init(cost: .negligible))
        #expect(try await !hasher.verify("correct horse", against: text))
    }

    @Test(
        "what no password can be is wrong, and costs what others cost",
        arguments: ["", String(repeating: "a", count: 5000)])
    func impossiblePasswords(text: String) async throws {
        let hasher = PasswordHasher(limits: .init(cost: .negligible))
        #expect(try await !hasher.verify(text, against: nil))
        #expect(try await !hasher.verify(text, against: hasher.hash(Password("correct horse"), for: .logIn)))
    }

    @Test("only so many passwords are hashed at once, only so many wait, and the others are told")
    func limits() async throws {
        let hasher = PasswordHasher(limits: .init(concurrent: 2, waiting: 3, cost: .negligible))
        let gate = DispatchSemaphore(value: 0)
        let counter = Counter()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    await code {
                        try await hasher.inTurn(for: .logIn) {
                            counter.enter()
                            gate.wait()
                            counter.leave()
                        }
                    } == nil
                }
            }
            // The five that were taken end only after the fifteen others were turned away.
            var outcomes: [Bool] = []
            while let outcome = await group.next() {
                outcomes.append(outcome)
                if outcomes.count == 15 { for _ in 0..<5 { gate.signal() } }
            }
            return outcomes
        }
        #expect(outcomes == Array(repeating: false, count: 15) + Array(repeating: true, count: 5))
        #expect(counter.most <= 2)
        #expect(await code { try await hasher.inTurn(for: .logIn) {} } == nil)
    }

    @Test("log-ins do not take the places of administrators")
    func reservedPlaces() async throws {
        let hasher = PasswordHasher(limits: .init(concurrent: 1, waiting: 1, reserved: 2, cost: .negligible))
        let gate = DispatchSemaphore(value: 0)
        await withTaskGroup(of: AccountError.Code?.self) { group in
            let (entered, enter) = AsyncStream.makeStream(of: Never.self)
            group.addTask {
                await code {
                    try await hasher.inTurn(for: .logIn) {
                        enter.finish()
                        gate.wait()
                    }
                }
            }
            for await _ in entered {}
            for purpose in [PasswordHasher.Purpose.logIn, .administration] {
                for _ in 0..<5 { group.addTask { await code { try await hasher.inTurn(for: purpose) {} } } }
                // One place is for everybody, two are for administrators.
                let refused = purpose == .logIn ? 4 : 3
                for _ in 0..<refused { #expect(await group.next() == .busy) }
            }
            gate.signal()
            for await outcome in group { #expect(outcome == nil) }
        }
    }

    @Test("the field at fault has the name that its caller gives it")
    func field() {
        for text in ["short", "a\u{7}bcdefgh", String(repeating: "a", count: 2000)] {
            #expect(throws: AccountError.self) { try Password(text) }
            let error = #expect(throws: AccountError.self) { try Password(text, field: "new_password") }
            #expect(error?.field == "new_password" && error?.message.hasPrefix("new_password: ") == true)
        }
    }

    @Test("passwords do not show themselves")
    func secrecy() throws {
        let password = try Password("correct horse")
        var dumped = ""
        dump(password, to: &dumped)
        for text in ["\(password)", String(reflecting: password), dumped, "\([password])"] {
            #expect(!text.contains("horse") && !text.contains("104"))
        }
    }
}

/// How many are inside, and how many were at most.
private final class Counter: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func enter() {
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() { counts.withLock { $0.now -= 1 } }
}
