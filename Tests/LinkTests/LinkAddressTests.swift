import Testing

@testable import Link

@Suite("Addresses")
struct LinkAddressTests {
    @Test(
        "Addresses are read and written alike",
        arguments: [
            "127.0.0.1:8801", "[::1]:0", "node-1.example.org:65535", "[fe80::1%eth0]:8801", "[::ffff:10.0.0.1]:1",
            "localhost:80",
        ])
    func roundTrip(text: String) throws {
        #expect(LinkAddress(text)?.description == text)
    }

    @Test(
        "Nonsense is no address",
        arguments: [
            "", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:+1", "host:1e3", "::1:80", "[::1]",
            "[host]:80", "[::1:80",
            "256.1.1.1:80", "1.2.3:80", "1.2.3.4.5:80", "-host:80", "ho st:80", "[1::2::3]:80", "[12345::]:80",
            "[1:2:3:4:5:6:7]:80",
            "[1:2:3:4:5:6:7:8:9]:80", "host:999999", "hóst:80", "[::1%]:80", "a..b:80",
        ])
    func nonsense(text: String) {
        #expect(LinkAddress(text) == nil)
    }

    @Test("Loopback and wildcard addresses are known")
    func kinds() {
        #expect(LinkAddress("127.1.2.3:1")?.isLoopback == true)
        #expect(LinkAddress("10.0.0.1:1")?.isLoopback == false)
        #expect(LinkAddress("0.0.0.0:1")?.isWildcard == true)
        #expect(LinkAddress("[::]:1")?.isWildcard == true)
        #expect(LinkAddress("[::1]:1")?.isLoopback == true)
    }
}
