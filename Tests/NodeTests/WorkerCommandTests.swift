import ArgumentParser
import Link
import Testing

@testable import Node
@testable import ShoalCommands

@Suite("What the worker command makes of its options")
struct WorkerCommandTests {
    @Test("A token file on the command line counts more than a token in the environment, and a token more than a file")
    func precedence() throws {
        let token = ClusterToken(master: NodeIdentity().id).text
        let environment = [
            "HOME": "/home/nobody", "SHOAL_DATA_DIR": "/nowhere", "SHOAL_CLUSTER_TOKEN": token,
            "SHOAL_CLUSTER_TOKEN_FILE": "/etc/other",
        ]
        func cluster(_ arguments: [String]) throws -> Settings.Cluster {
            let command = try #require(try ShoalCommand.parseAsRoot(["worker"] + arguments) as? WorkerCommand)
            return try command.settings(environment: environment).cluster
        }
        let named = try cluster(["--token-file", "/etc/token"])
        #expect(named.token == nil)
        #expect(named.tokenFile == "/etc/token")
        let plain = try cluster([])
        #expect(plain.token == token)
        let own = ClusterToken(master: NodeIdentity().id).text
        let given = try cluster(["--token", own])
        #expect(given.token == own)
    }
}
