internal import Bytes
internal import Crypto
internal import CryptoExtras

/// What one hash costs: memory 128 · 2^logRounds · blockSize bytes, and time proportional to that times `parallelism`.
package struct PasswordCost: Sendable, Hashable {
    let logRounds: Int
    let blockSize: Int
    let parallelism: Int

    /// 32 MiB and three passes, one of the settings that OWASP's password storage cheat sheet holds equal.
    package static let standard = PasswordCost(logRounds: 15, blockSize: 8, parallelism: 3)
    /// As good as nothing: for tests that log in a lot, never for passwords that matter.
    package static let negligible = PasswordCost(logRounds: 4, blockSize: 1, parallelism: 1)

    /// Bounds what a row of the table can make this machine spend: 256 MiB, sixteen passes.
    var isAcceptable: Bool {
        (1...18).contains(logRounds) && (1...32).contains(blockSize) && (1...16).contains(parallelism)
            && blockSize << logRounds <= 1 << 21
    }
}

/// What is kept of a password: scrypt's output (RFC 7914) with its salt and its cost, as text
/// `$scrypt$ln=15,r=8,p=3$salt$hash` (the PHC string format, here with base64url).
struct PasswordHash: Sendable, Equatable {
    static let saltBytes = 16
    static let hashBytes = 32

    let cost: PasswordCost
    let salt: [UInt8]
    let hash: [UInt8]

    /// Hashes a password with a new salt. Takes about a tenth of a second and 32 MiB: call it through `PasswordHasher`.
    init(of password: Password, cost: PasswordCost = .standard) throws {
        var generator = SystemRandomNumberGenerator()
        salt = (0..<Self.saltBytes).map { _ in generator.next() }
        self.cost = cost
        hash = try Self.derive(password, salt: salt, cost: cost).withUnsafeBytes { Array($0) }
    }

    /// Reads the stored text; nil where it is damaged or asks for too much.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let settings = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard settings.count == 3, let logRounds = Self.number(settings[0], "ln="),
            let blockSize = Self.number(settings[1], "r="), let parallelism = Self.number(settings[2], "p="),
            let salt = Base64URL.decode(parts[3]), let hash = Base64URL.decode(parts[4])
        else { return nil }
        cost = PasswordCost(logRounds: logRounds, blockSize: blockSize, parallelism: parallelism)
        guard cost.isAcceptable, salt.count == Self.saltBytes, hash.count == Self.hashBytes else { return nil }
        self.salt = salt
        self.hash = hash
    }

    var text: String {
        "$scrypt$ln=\(cost.logRounds),r=\(cost.blockSize),p=\(cost.parallelism)"
            + "$\(Base64URL.encode(salt))$\(Base64URL.encode(hash))"
    }

    /// Whether this is the hash of `password`; the comparison takes the same time wherever they differ.
    func matches(_ password: Password) throws -> Bool {
        try Self.derive(password, salt: salt, cost: cost) == SymmetricKey(data: hash)
    }

    static func derive(_ password: Password, salt: [UInt8], cost: PasswordCost) throws -> SymmetricKey {
        // What derives the key reads the address of the first byte, which nothing has.
        precondition(!password.bytes.isEmpty)
        return try KDF.Scrypt.deriveKey(
            from: password.bytes, salt: salt, outputByteCount: hashBytes, rounds: 1 << cost.logRounds,
            blockSize: cost.blockSize, parallelism: cost.parallelism)
    }

    private static func number(_ text: Substring, _ prefix: String) -> Int? {
        guard text.hasPrefix(prefix), text.utf8.count <= prefix.utf8.count + 2 else { return nil }
        return Int(text.dropFirst(prefix.count))
    }
}
