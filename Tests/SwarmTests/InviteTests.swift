import Bytes
import Crypto
import Foundation
import Identifiers
import Link
import Testing

@testable import Swarm

@Suite("Invites and multiaddresses")
struct InviteTests {
    static let id = NodeIdentity().id

    @Test("An invite survives its code")
    func roundTrip() throws {
        let swarm = SwarmKey()
        let addresses = try [
            "/ip4/192.168.1.5/tcp/8801/p2p/\(Self.id.hex)", "/dns4/node.example/tcp/1", "/ip6/::1/tcp/65535",
        ].map {
            try Multiaddress($0)
        }
        let code = try Invite(swarm: swarm, addresses: addresses).code
        let read = try Invite(code: code)
        #expect(read.swarm == swarm)
        #expect(read.addresses == addresses)
        #expect(code.hasPrefix("swarm://"))
        #expect(!code.contains("\n"))
        #expect(try Invite(swarm: swarm, addresses: addresses).code != code)
    }

    @Test("A code is the key, a nonce, and the addresses sealed under the key")
    func layout() throws {
        let swarm = SwarmKey()
        let address = try Multiaddress("/ip4/10.0.0.1/tcp/8801/p2p/\(Self.id.hex)")
        let code = try Invite(swarm: swarm, addresses: [address]).code
        let bytes = try #require(Base64URL.decode(code.dropFirst("swarm://".count)))
        #expect(Array(bytes.prefix(32)) == swarm.bytes)
        let box = try ChaChaPoly.SealedBox(
            nonce: ChaChaPoly.Nonce(data: bytes[32..<44]), ciphertext: bytes[44..<(bytes.count - 16)],
            tag: bytes.suffix(16))
        let plain = try ChaChaPoly.open(box, using: SymmetricKey(data: bytes.prefix(32)))
        #expect(String(decoding: plain, as: UTF8.self) == address.description)
    }

    @Test("Any character of a code that is changed spoils it")
    func changed() throws {
        let code = Array(try Invite(swarm: SwarmKey(), addresses: [Multiaddress("/ip4/10.0.0.1/tcp/8801")]).code)
        for index in stride(from: 8, to: code.count, by: 3) {
            var other = code
            other[index] = code[index] == "A" ? "B" : "A"
            // The last character may carry unused bits.
            if index == code.count - 1 { continue }
            #expect(throws: SwarmError.self) { try Invite(code: String(other)) }
        }
    }

    @Test("A code that is cut short is refused at every length")
    func truncated() throws {
        let code = try Invite(swarm: SwarmKey(), addresses: [Multiaddress("/ip4/10.0.0.1/tcp/8801")]).code
        for count in 0..<code.count - 1 {
            #expect(throws: SwarmError.self) { try Invite(code: String(code.prefix(count))) }
        }
    }

    @Test(
        "Nonsense is no code",
        arguments: [
            ("", SwarmError.Code.badCode), ("http://example.org", .badCode), ("swarm://", .badCode),
            ("swarm://!!!!", .badCode),
            ("swarm://" + String(repeating: "A", count: 5000), .codeTooLong),
            ("swarm://" + String(repeating: "A", count: 200), .badCode),
            ("SWARM://AAAA", .badCode),
        ])
    func nonsense(code: String, expected: SwarmError.Code) {
        let error = #expect(throws: SwarmError.self) { try Invite(code: code) }
        #expect(error?.code == expected)
    }

    @Test(
        "A code that seals something else than addresses is refused",
        arguments: ["", "\n\n", "hello", "/ip4/1.2.3.4/udp/1"])
    func otherContent(text: String) throws {
        let swarm = SwarmKey()
        let box = try ChaChaPoly.seal(Array(text.utf8), using: SymmetricKey(data: swarm.bytes))
        let code = "swarm://" + Base64URL.encode(swarm.bytes + Array(box.combined))
        #expect(throws: SwarmError.self) { try Invite(code: code) }
    }

    @Test(
        "Bad multiaddresses are refused",
        arguments: [
            "", "/", "/ip4/1.2.3.4", "/ip4/1.2.3.4/tcp", "/ip4/1.2.3.4/tcp/0", "/ip4/1.2.3.4/tcp/70000",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/::1/tcp/1", "/ip6/1.2.3.4/tcp/1", "/dns4/1.2.3.4/tcp/1", "/ip4/host/tcp/1", "/dns6/host/tcp/1",
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/1.2.3.4/tcp/1/p2p/abc", "/ip4/1.2.3.4/tcp/1/p2p/",
            "/ip4/1.2.3.4/tcp/1/p3p/" + String(repeating: "a", count: 64),
            "ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.4/tcp/1/", "/ip4/1.2.3.4/tcp/+1",
            "/dns4/" + String(repeating: "a", count: 600) + "/tcp/1",
        ])
    func badMultiaddress(text: String) {
        let error = #expect(throws: SwarmError.self) { try Multiaddress(text) }
        #expect(error?.code == .badAddress)
    }

    @Test("A code that is cut anywhere is told to be cut or damaged, and not to have wrong characters")
    func cut() throws {
        let invite = Invite(
            swarm: SwarmKey(), addresses: [try Multiaddress("/ip4/192.0.2.1/tcp/8801/p2p/" + NodeIdentity().id.hex)])
        let code = try invite.code
        for length in "swarm://".count..<code.count {
            let error = #expect(throws: SwarmError.self) { try Invite(code: String(code.prefix(length))) }
            #expect(error.map { !"\($0)".contains("characters that do not belong") } == true, "\(length)")
        }
    }

    @Test("Addresses are told best first, and none that cannot be called")
    func advertised() {
        let interfaces = ["172.17.0.1", "203.0.113.9", "192.168.1.5", "fd00::1"]
        #expect(
            AdvertisedAddresses.list(host: "0.0.0.0", port: 8801, interfaces: interfaces).map(\.description) == [
                "192.168.1.5:8801", "203.0.113.9:8801", "172.17.0.1:8801", "127.0.0.1:8801",
            ])
        #expect(
            AdvertisedAddresses.list(host: "127.0.0.1", port: 1, interfaces: interfaces).map(\.description) == [
                "127.0.0.1:1"
            ])
        #expect(AdvertisedAddresses.list(host: "::", port: 1, interfaces: interfaces).count == 5)
        let given = LinkAddress("swarm.example.org:9000").map { [$0] } ?? []
        #expect(AdvertisedAddresses.list(host: "0.0.0.0", port: 1, interfaces: [], given: given).first == given.first)
    }

    @Test(
        "Local addresses are told from others",
        arguments: [
            ("10.1.2.3", true), ("172.16.0.1", true), ("172.32.0.1", false), ("192.168.0.1", true), ("8.8.8.8", false),
            ("::1", true),
            ("fd12::1", true), ("2001:db8::1", false), ("printer.local", true), ("example.org", false),
            ("127.0.0.1", true),
        ])
    func local(host: String, isLocal: Bool) {
        #expect(AdvertisedAddresses.isLocal(host) == isLocal)
    }
}
