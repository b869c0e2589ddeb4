import Dispatch
import Foundation
import Logging
import ServiceLifecycle
import ShoalTestSupport
import Store
import Synchronization
import Testing

@testable import Accounts
@testable import Node

struct AccountUpkeepTests {
    private func accounts(in root: String, hashing: PasswordHasher.Limits) throws -> AccountServices {
        var rules = AccountServices.Rules()
        rules.hashing = hashing
        return try AccountServices(store: Store(path: root + "/shoal.sqlite"), keyPath: root + "/jwt.key", rules: rules)
    }

    @Test("the first administrator's password comes although it cannot be made at first")
    func lateAdministrator() async throws {
        try await withTemporaryFolder { root in
            let accounts = try accounts(
                in: root, hashing: .init(concurrent: 1, waiting: 0, reserved: 0, cost: .negligible))
            let (entered, enter) = AsyncStream.makeStream(of: Never.self)
            let (left, leave) = AsyncStream.makeStream(of: Never.self)
            let gate = DispatchSemaphore(value: 0)
            let held = Task {
                try await accounts.users.hasher.inTurn(for: .logIn) {
                    enter.finish()
                    gate.wait()
                }
                // The place is free only when the next one has got it.
                while true {
                    do {
                        try await accounts.users.hasher.inTurn(for: .logIn) {}
                        break
                    } catch { await Task.yield() }
                }
                leave.finish()
            }
            for await _ in entered {}
            let pauses = Mutex(0)
            let (passwords, shown) = AsyncStream.makeStream(of: OneTimePassword.self)
            var upkeep = AccountUpkeep(
                accounts: accounts, makesFirstAdministrator: true,
                passwordFile: root + "/admin_password", listening: AsyncStream { $0.finish() },
                onFirstAdministrator: { shown.yield($0) })
            upkeep.pause = {
                let count = pauses.withLock { count in
                    count += 1
                    return count
                }
                guard count == 3 else { return }
                gate.signal()
                for await _ in left {}
            }
            let running = Task { [upkeep] in try await upkeep.run() }
            var iterator = passwords.makeAsyncIterator()
            let password = try #require(await iterator.next())
            #expect(pauses.withLock { $0 } >= 3)
            #expect(try await accounts.users.find(password.username)?.role == .admin)
            try await held.value
            running.cancel()
            try await running.value
        }
    }

    @Test("what requests took note of is written down at the end")
    func end() async throws {
        try await withTemporaryFolder { root in
            let services = try accounts(in: root, hashing: .init(cost: .negligible))
            let user = try await services.users.create(
                NewUser(
                    username: Username("ada"), email: EmailAddress("ada@example.com"),
                    password: Password("correct horse")), by: .commandLine)
            let token = try await services.apiTokens.create(name: "t", for: user.id, by: .commandLine).text
            let (began, begin) = AsyncStream.makeStream(of: Never.self)
            let listening = AsyncStream<Void>(unfolding: {
                begin.finish()
                return nil
            })
            let upkeep = AccountUpkeep(
                accounts: services, makesFirstAdministrator: false, passwordFile: root + "/admin_password",
                listening: listening, onFirstAdministrator: { _ in })
            let group = ServiceGroup(
                services: [upkeep], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let running = Task { try await group.run() }
            for await _ in began {}
            _ = try await services.authenticator.authenticate(.bearer(token))
            await group.triggerGracefulShutdown()
            try await running.value
            // Another process sees what is written down alone.
            let other = try accounts(in: root, hashing: .init(cost: .negligible))
            #expect(try await other.apiTokens.list(of: user.id).map { $0.lastUsed != nil } == [true])
        }
    }

    @Test("the first administrator's password stays the same until it is used, and its file goes when nobody needs it")
    func samePassword() async throws {
        try await withTemporaryFolder { root in
            let accounts = try accounts(in: root, hashing: .init(cost: .negligible))
            let file = root + "/admin_password"
            /// What a start shows.
            func start() async throws -> String {
                let (passwords, show) = AsyncStream.makeStream(of: OneTimePassword.self)
                let upkeep = AccountUpkeep(
                    accounts: accounts, makesFirstAdministrator: true, passwordFile: file,
                    listening: AsyncStream { $0.finish() }, onFirstAdministrator: { show.yield($0) })
                let group = ServiceGroup(
                    services: [upkeep], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
                let running = Task { try await group.run() }
                var iterator = passwords.makeAsyncIterator()
                let password = try #require(await iterator.next())
                await group.triggerGracefulShutdown()
                try await running.value
                return password.text
            }
            let first = try await start()
            #expect(try permissions(of: file) == 0o600)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == first + "\n")
            #expect(try await start() == first)
            let address = ClientAddress("192.0.2.1")
            _ = try await accounts.logIns.logIn(username: "admin", password: first, from: address)
            let second = try await start()
            #expect(second != first)
            // Somebody has a password of their own: nothing is shown any more, and the file goes.
            _ = try await accounts.users.create(
                NewUser(
                    username: Username("ada"), email: EmailAddress("ada@example.com"), role: .admin,
                    password: Password("correct horse")), by: .commandLine)
            let upkeep = AccountUpkeep(
                accounts: accounts, makesFirstAdministrator: true, passwordFile: file,
                listening: AsyncStream { $0.finish() }, onFirstAdministrator: { _ in Issue.record("it is shown") })
            let (removed, remove) = AsyncStream.makeStream(of: Never.self)
            let watching = Task {
                while FileManager.default.fileExists(atPath: file) { await Task.yield() }
                remove.finish()
            }
            let running = Task { try await upkeep.run() }
            for await _ in removed {}
            running.cancel()
            _ = await running.result
            await watching.value
        }
    }
}
