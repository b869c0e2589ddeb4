import Identifiers
import Link
import Testing

@testable import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct MachineNameTests {
    private func node(_ byte: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: byte, count: 32)))
    }

    @Test(arguments: ["rack-7", "rack-7.example.com", "anna", "deadbeef"])
    func `a machine with a name of its own gives it to its node`(hostname: String) throws {
        #expect(MachineName(hostname: hostname, node: try node(1)).text == hostname.split(separator: ".")[0])
    }

    @Test(arguments: [
        "vm", "localhost.localdomain", "Ubuntu", "ip-10-0-0-1.ec2.internal", "0123456789ab", "",
        String(repeating: "x", count: 65),
    ])
    func `one that is called like many others has two words that stay`(hostname: String) throws {
        func name(_ byte: UInt8) throws -> String { MachineName(hostname: hostname, node: try node(byte)).text }
        let (seven, again, eight) = (try name(7), try name(7), try name(8))
        #expect(seven.split(separator: "-").count == 2 && seven == again && seven != eight)
    }

    @Test func `a port that another program has is said with its flag before anything starts`() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try #require(bind(descriptor, pointer, length) == 0 && listen(descriptor, 1) == 0)
                try #require(getsockname(descriptor, pointer, &length) == 0)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
        for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
            let error = try #require(throws: NodeError.self) {
                try FreePort.check(host: host, port: port, for: "other nodes", flag: "--swarm-port")
            }
            #expect(
                error.code == .cannotListen && error.message.contains("--swarm-port")
                    && error.message.contains("\(port)"))
        }
        try FreePort.check(host: "127.0.0.1", port: 0, for: "HTTP", flag: "--port")
        try FreePort.check(host: "node.example.com", port: port, for: "HTTP", flag: "--port")
        let error = try #require(throws: NodeError.self) {
            try FreePort.check(host: "203.0.113.77", port: 4711, for: "HTTP", flag: "--port")
        }
        #expect(error.message.contains("no address of this machine"))
    }
}
