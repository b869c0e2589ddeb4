package import ArgumentParser
import Node
import NodeAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `shoal login`: lets the command line act as a user.
package struct LogInCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Act as a user from now on.",
        discussion: """
            The password is asked for; where nobody types, it is the first line of standard input, and the second line is the new one \
            where the first is a one-time password. What is kept is an API token of the user's, in ~/.config/shoal/logins.json, which \
            the other commands use for that node. “shoal logout” revokes it.
            """)

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("The user's name; asked for where it is left out.", valueName: "NAME"))
    package var username: String?

    package init() {}

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let target = try connection.target(environment: environment)
        let file = LogInFile(environment: environment)
        let username = try self.username ?? Terminal.shownLine("user: ")
        var password = try Terminal.password(of: username)
        var jwt = try await Self.jwt(username, password, target)
        if try await Self.me(target.acting(with: jwt)).passwordChangeRequired == true {
            password = try await Self.chooseAnother(of: username, than: password, target.acting(with: jwt))
            jwt = try await Self.jwt(username, password, target)
        }
        let (token, me) = try await NodeClient.with(target.acting(with: jwt)) { client in
            let me: MeBody = try await client.get("/api/me")
            let token: APITokenBody = try NodeClient.decode(
                await client.post("/admin/api/api_tokens", ["name": "shoal login"]))
            return (token, me)
        }
        let former = try file.entry(for: target.address)
        try file.set(
            .init(username: username, token: token.token, tokenID: token.id), for: target.address)
        // What this one takes the place of is no use to anybody.
        if let former { try? await former.revoke(at: target) }
        if output.json {
            Terminal.line(
                #"{"url":"\#(target.address)","username":"\#(me.user?.username ?? username)","role":"\#(me.role)"}"#)
        } else {
            Terminal.line("logged in at \(target.address) as \(me.user?.username ?? username) (\(me.role))")
        }
    }

    private static func jwt(_ username: String, _ password: String, _ target: NodeTarget) async throws -> String {
        // Whoever logs in shows nothing else.
        return try await NodeClient.with(target.acting(with: nil)) { client in
            let answer: IssuedTokenBody = try NodeClient.decode(
                await client.post(NodeClient.logInPath, ["username": username, "password": password]))
            return answer.token
        }
    }

    /// Asks for a password in the place of a one-time password, which is used up by now: again and again where somebody types.
    private static func chooseAnother(
        of username: String, than current: String, _ target: NodeTarget
    ) async throws -> String {
        if Terminal.readsFromPerson { Terminal.errorLine("that was a one-time password; choose another one") }
        var tries = Terminal.readsFromPerson ? 10 : 1
        while true {
            tries -= 1
            do {
                let new = try Terminal.newPassword(of: username)
                _ = try await NodeClient.with(target) {
                    try await $0.post("/api/auth/password", ["current_password": current, "new_password": new])
                }
                return new
            } catch  where !(error is CancellationError) {
                let error = CommandError(describing: error)
                guard tries > 0 else {
                    throw CommandError(
                        "\(error.message), and the one-time password is used up",
                        hint:
                            "the node prints another one when it starts again; or “shoal user set \(username) --password” on its machine"
                    )
                }
                Terminal.error(error)
            }
        }
    }

    private static func me(_ target: NodeTarget) async throws -> MeBody {
        try await NodeClient.with(target) { try await $0.get("/api/me") }
    }
}

/// `shoal logout`: makes the command line itself again.
package struct LogOutCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Act as nobody in particular again, and revoke what “shoal login” has kept.")

    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let target = try connection.target(environment: environment, mayBeAway: true)
        let file = LogInFile(environment: environment)
        guard let entry = try file.entry(for: target.address) else {
            throw CommandError("nobody is logged in at \(target.address)")
        }
        do {
            try await entry.revoke(at: target)
        } catch {
            Terminal.errorLine(
                "the token could not be revoked (\(error)); “shoal token remove \(entry.tokenID)” does it later")
        }
        try file.set(nil, for: target.address)
        Terminal.line("logged out at \(target.address): \(entry.username)")
    }
}

/// `shoal me`: whom the command line acts as.
package struct MeCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "me", abstract: "Show whom the node takes you for, and the tokens that you have.",
        aliases: ["whoami"])

    @OptionGroup package var output: OutputOptions
    @OptionGroup package var connection: ConnectionOptions

    package init() {}

    package func run() async throws {
        let target = try connection.target()
        let body = try await NodeClient.with(target) { try await $0.get("/api/me") }
        guard !output.json else {
            Terminal.write(body)
            return Terminal.newLine()
        }
        let me: MeBody = try NodeClient.decode(body)
        guard let user = me.user else {
            return Terminal.line("the holder of the node's key at \(target.address)")
        }
        Terminal.line("\(user.username) at \(target.address): \(user.role), \(Figures.counted(user.tokens, "token"))")
    }
}

extension LogInFile.Entry {
    /// Ends the token, with itself.
    func revoke(at target: NodeTarget) async throws {
        _ = try await NodeClient.with(target.acting(with: token)) {
            try await $0.delete("/admin/api/api_tokens/\(tokenID)")
        }
    }
}

extension NodeTarget {
    /// The same node, asked with another key; nil for none.
    func acting(with key: String?) -> NodeTarget {
        NodeTarget(address: address, source: source, apiKey: key, directory: directory)
    }
}
