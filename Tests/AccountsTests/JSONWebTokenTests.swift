import Bytes
import Crypto
import Foundation
import Testing
import Timing

@testable import Accounts

struct JSONWebTokenTests {
    private static let seed = Array(repeating: UInt8(7), count: 32)
    private static let claims = JSONWebToken.Claims(
        exp: 2_000_000_000, gen: 0, iat: 1_700_000_000, jti: String(repeating: "ab", count: 16), role: "admin", sub: "1"
    )

    /// A token of any header and claims, signed with the node's key as if the node had written them.
    private static func forge(header: String, claims: String, seed: [UInt8] = seed) throws -> String {
        let signed = "\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))"
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        return "\(signed).\(Base64URL.encode(try key.signature(for: Data(signed.utf8))))"
    }

    private static func parts(_ token: String) -> [String] {
        token.split(separator: ".").map(String.init)
    }

    private static func text(_ part: String) throws -> String {
        String(decoding: try #require(Base64URL.decode(part)), as: UTF8.self)
    }

    @Test("what was signed opens again, and is a JWT that others can read")
    func roundTrip() throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let token = try signer.sign(Self.claims)
        #expect(signer.open(token) == Self.claims)
        let parts = Self.parts(token)
        let header = try JSONDecoder().decode([String: String].self, from: Data(Self.text(parts[0]).utf8))
        #expect(header["alg"] == "EdDSA" && header["typ"] == "JWT" && header["kid"]?.count == 16)
        #expect(
            try Self.text(parts[1])
                == #"{"exp":2000000000,"gen":0,"iat":1700000000,"iss":"shoal","jti":"abababababababababababababababab","role":"admin","sub":"1"}"#
        )
        // The same, put together by hand: so that the forgeries below fail for what they change.
        #expect(try signer.open(Self.forge(header: Self.text(parts[0]), claims: Self.text(parts[1]))) == Self.claims)
    }

    @Test(
        "a token with another header is refused, even one that the node's key signed",
        arguments: [
            { $0.replacing("EdDSA", with: "none") }, { $0.replacing("EdDSA", with: "HS256") },
            { $0.replacing("EdDSA", with: "ES256") }, { $0.replacing("EdDSA", with: "eddsa") },
            { $0.replacing(#""kid":""#, with: #""kid":"x"#) }, { $0.replacing(#","typ":"JWT""#, with: "") },
            { $0.replacing("}", with: #","alg":"none"}"#) }, { $0.replacing("}", with: #","jwk":{}}"#) },
            { $0.replacing("}", with: #","crit":["exp"]}"#) }, { " " + $0 }, { _ in "{}" }, { _ in "" },
        ] as [@Sendable (String) -> String])
    func headers(change: @Sendable (String) -> String) throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let parts = Self.parts(try signer.sign(Self.claims))
        let header = try Self.text(parts[0])
        #expect(change(header) != header)
        #expect(try signer.open(Self.forge(header: change(header), claims: Self.text(parts[1]))) == nil)
    }

    @Test(
        "claims in another spelling than the node's are refused, even ones that the node's key signed",
        arguments: [
            { $0.replacing("}", with: #","sub":"2"}"#) }, { $0.replacing("{", with: #"{"role":"user","#) },
            { $0.replacing("}", with: #","extra":1}"#) }, { $0.replacing("}", with: #","nbf":1}"#) },
            { $0.replacing(#""sub":"1""#, with: #""sub":1"#) }, { $0.replacing("2000000000", with: "2e9") },
            { $0.replacing("2000000000", with: "2000000000.0") },
            { $0.replacing("2000000000", with: "\"2000000000\"") },
            { $0.replacing("2000000000", with: "99999999999999999999") },
            { $0.replacing("admin", with: #"\u0061dmin"#) },
            { $0.replacing(#""iss":"shoal""#, with: #""iss":"other""#) },
            { $0.replacing(#","iss":"shoal""#, with: "") },
            { $0.replacing("}", with: "} ") }, { "\u{FEFF}" + $0 }, { $0.replacing("}", with: "") }, { "[" + $0 + "]" },
            { _ in "null" }, { _ in "" }, { _ in "{}" },
        ] as [@Sendable (String) -> String])
    func claims(change: @Sendable (String) -> String) throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let parts = Self.parts(try signer.sign(Self.claims))
        let claims = try Self.text(parts[1])
        #expect(change(claims) != claims)
        #expect(try signer.open(Self.forge(header: Self.text(parts[0]), claims: change(claims))) == nil)
    }

    @Test("a token that was changed anywhere, in any bit, is refused")
    func bits() throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let token = Array(try signer.sign(Self.claims).utf8)
        for index in token.indices {
            for bit in 0..<7 {
                var changed = token
                changed[index] ^= 1 << UInt8(bit)
                #expect(signer.open(String(decoding: changed, as: UTF8.self)) == nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test("a token of another shape is refused")
    func shapes() throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let token = try signer.sign(Self.claims)
        let parts = Self.parts(token)
        let (header, claims, signature) = (parts[0], parts[1], parts[2])
        for text in [
            "", ".", "..", "...", header, "\(header).\(claims)", "\(header).\(claims).", "\(header)..\(signature)",
            ".\(claims).\(signature)", "\(token).", ".\(token)", "\(token).\(signature)", " \(token)", "\(token)\n",
            "\(token)=", "\(header).\(claims)=.\(signature)", "\(header).\(claims).\(signature.dropLast())",
            "\(header).\(claims).\(signature)AAAA", token + String(repeating: "A", count: 1024), token.uppercased(),
            String(repeating: ".", count: 100_000),
        ] {
            #expect(signer.open(text) == nil, "\(text.prefix(60))")
        }
        #expect(signer.open(token) == Self.claims)
    }

    @Test("an HMAC with the public key, and the key of another node, prove nothing")
    func keys() throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let parts = Self.parts(try signer.sign(Self.claims))
        let publicKey = try Curve25519.Signing.PrivateKey(rawRepresentation: Self.seed).publicKey.rawRepresentation
        let header = Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#.utf8)
        let mac = HMAC<SHA256>.authenticationCode(
            for: Data("\(header).\(parts[1])".utf8), using: SymmetricKey(data: publicKey))
        #expect(signer.open("\(header).\(parts[1]).\(Base64URL.encode(mac))") == nil)
        let other = Array(repeating: UInt8(8), count: 32)
        #expect(try signer.open(JSONWebToken(seed: other).sign(Self.claims)) == nil)
        #expect(
            try signer.open(Self.forge(header: Self.text(parts[0]), claims: Self.text(parts[1]), seed: other)) == nil)
    }

    @Test("a signature has one form: adding the order of the curve to it is refused (RFC 8032, 5.1.7)")
    func malleability() throws {
        let signer = try JSONWebToken(seed: Self.seed)
        let parts = Self.parts(try signer.sign(Self.claims))
        var signature = try #require(Base64URL.decode(parts[2]))
        let order: [UInt8] = [
            0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ]
        var carry = 0
        for index in 0..<32 {
            carry += Int(signature[32 + index]) + Int(order[index])
            signature[32 + index] = UInt8(carry & 0xFF)
            carry >>= 8
        }
        #expect(signer.open("\(parts[0]).\(parts[1]).\(Base64URL.encode(signature))") == nil)
    }

    // MARK: With users

    private func refusal(_ fixture: AccountFixture, _ text: String) async -> AccountError.Code? {
        await code { _ = try await fixture.accounts.authenticator.authenticate(.bearer(text)) }
    }

    @Test("a token proves its user until it runs out")
    func life() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add(role: .admin)
            let token = try await fixture.accounts.jwts.issue(for: fixture.logIn())
            #expect(token.expires == fixture.time.clock.date().addingTimeInterval(12 * 3600))
            let principal = try await fixture.accounts.authenticator.authenticate(.bearer(token.text))
            #expect(principal?.user == user.id && principal?.role == .admin)
            fixture.time.advance(.seconds(12 * 3600 - 1))
            #expect(await refusal(fixture, token.text) == nil)
            fixture.time.advance(.seconds(1))
            #expect(await refusal(fixture, token.text) == .expired)
        }
    }

    @Test(
        "a clock that is set back a little does no harm; a token from the future is refused",
        arguments: [
            (0, AccountError.Code?.none), (60, nil), (61, .badBearer),
        ])
    func skew(seconds: Int, expected: AccountError.Code?) async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let token = try await fixture.accounts.jwts.issue(for: fixture.logIn())
            fixture.time.advance(.seconds(-seconds))
            #expect(await refusal(fixture, token.text) == expected)
        }
    }

    @Test(
        "a token ends at once with log-out and with what ends it",
        arguments: ["log out", "deactivate", "reactivate", "password", "role", "delete"])
    func ending(how: String) async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let token = try await fixture.accounts.jwts.issue(for: fixture.logIn()).text
            let other = try await fixture.accounts.jwts.issue(for: fixture.logIn()).text
            let (users, actor) = (fixture.users, AccountFixture.actor)
            switch how {
            case "log out":
                let principal = try await fixture.accounts.authenticator.authenticate(.bearer(token))
                try await fixture.accounts.authenticator.logOut(#require(principal), from: nil)
            case "deactivate": try await users.deactivate(user, by: actor)
            case "reactivate":
                try await users.deactivate(user, by: actor)
                try await users.update(user, .init(isActive: true), by: actor)
            case "password": try await users.update(user, .init(password: Password("another one")), by: actor)
            case "role": try await users.update(user, .init(role: .admin), by: actor)
            default: try await users.delete(user, by: actor)
            }
            #expect(await refusal(fixture, token) == .revoked)
            #expect(await refusal(fixture, other) == (how == "log out" ? nil : .revoked))
        }
    }

    @Test("the key outlives the process, in a file that is its owner's alone")
    func keyFile() async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let token = try await fixture.accounts.jwts.issue(for: fixture.logIn()).text
            let again = try AccountFixture.accounts(fixture.store, keyPath: fixture.keyPath, fixture.time.clock)
            #expect(try await again.authenticator.authenticate(.bearer(token)) != nil)
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.keyPath)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            let other = try AccountFixture.accounts(fixture.store, keyPath: fixture.keyPath + "2", fixture.time.clock)
            #expect(await code { _ = try await other.authenticator.authenticate(.bearer(token)) } == .badBearer)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: fixture.keyPath)
            #expect(
                await code {
                    _ = try AccountFixture.accounts(fixture.store, keyPath: fixture.keyPath, fixture.time.clock)
                } == .unusableKey)
        }
    }
}
