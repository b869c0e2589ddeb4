import Dispatch
import Foundation
import Store
import Testing
import Timing

@testable import Accounts

struct LastUsesTests {
    /// Runs `body` while another process writes to the database.
    private func whileLocked(_ path: String, _ body: () async throws -> Void) async throws {
        let other = try Store(path: path)
        let (locked, isLocked) = AsyncStream.makeStream(of: Never.self)
        let (unlocked, isUnlocked) = AsyncStream.makeStream(of: Never.self)
        let gate = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            defer { isUnlocked.finish() }
            do {
                try other.write { _ in
                    isLocked.finish()
                    gate.wait()
                }
            } catch {
                isLocked.finish()
                Issue.record(error)
            }
        }
        for await _ in locked {}
        do { try await body() } catch { Issue.record(error) }
        gate.signal()
        for await _ in unlocked {}
    }

    @Test("who one is can be proven while nothing can be written, and the use is written down later")
    func lockedDatabase() async throws {
        try await withAccounts { fixture in
            let user = try await fixture.add().id
            let session = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            let token = try await fixture.accounts.apiTokens.create(name: "t", for: user, by: AccountFixture.actor)
            fixture.time.advance(.seconds(3600))
            let began = ContinuousClock.now
            try await whileLocked(fixture.path) {
                for credentials in [
                    Credentials.session(session.id, csrf: .required(session.csrfToken)), .bearer(token.text),
                ] {
                    let principal = try await fixture.accounts.authenticator.authenticate(credentials)
                    #expect(principal?.user == user)
                }
            }
            // A writer would have waited for ten seconds.
            #expect(ContinuousClock.now - began < .seconds(8))
            let used = fixture.time.clock.date()
            let other = try AccountFixture.accounts(
                Store(path: fixture.path), keyPath: fixture.keyPath, fixture.time.clock)
            #expect(try await other.apiTokens.list(of: user).map(\.lastUsed) == [nil])
            #expect(try await fixture.accounts.apiTokens.list(of: user).map(\.lastUsed) == [used])
            try await fixture.accounts.writeDown()
            for accounts in [other, fixture.accounts] {
                #expect(try await accounts.apiTokens.list(of: user).map(\.lastUsed) == [used])
            }
        }
    }

    @Test("a session that is used lives on over a restart, and one that is not ends", arguments: [true, false])
    func restart(isWrittenDown: Bool) async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let session = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            let credentials = Credentials.session(session.id, csrf: .notNeeded)
            fixture.time.advance(.seconds(11 * 3600))
            _ = try await fixture.accounts.authenticator.authenticate(credentials)
            if isWrittenDown { try await fixture.accounts.writeDown() }
            fixture.time.advance(.seconds(2 * 3600))
            // The process that took note of the use goes on.
            #expect(try await fixture.accounts.authenticator.authenticate(credentials) != nil)
            let restarted = try AccountFixture.accounts(
                Store(path: fixture.path), keyPath: fixture.keyPath, fixture.time.clock)
            let outcome = await code { _ = try await restarted.authenticator.authenticate(credentials) }
            #expect(outcome == (isWrittenDown ? nil : .expired))
        }
    }

    @Test("what has expired is removed with regard to uses that are not written down", arguments: [true, false])
    func removal(byLogIn: Bool) async throws {
        try await withAccounts { fixture in
            try await fixture.add()
            let used = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            let unused = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            fixture.time.advance(.seconds(11 * 3600))
            _ = try await fixture.accounts.authenticator.authenticate(.session(used.id, csrf: .notNeeded))
            fixture.time.advance(.seconds(2 * 3600))
            if byLogIn {
                _ = try await fixture.accounts.sessions.begin(for: fixture.logIn())
            } else {
                try await fixture.accounts.sessions.removeExpired()
            }
            var outcomes: [AccountError.Code?] = []
            for session in [used, unused] {
                outcomes.append(
                    await code {
                        _ = try await fixture.accounts.authenticator.authenticate(
                            .session(session.id, csrf: .notNeeded))
                    })
            }
            #expect(outcomes == [nil, .badSession])
        }
    }

    @Test("memory is bounded, and a use while others are written down is not forgotten")
    func bounds() {
        let uses = LastUses<Int>(capacity: 3)
        for key in 0..<10 { uses.note(key, at: Double(key)) }
        #expect(uses.all == [0: 0, 1: 1, 2: 2])
        let written = uses.all
        uses.note(1, at: 50)
        uses.forget(written)
        #expect(uses.all == [1: 50] && uses.latest(0) == nil && uses.latest(1) == 50)
    }
}
