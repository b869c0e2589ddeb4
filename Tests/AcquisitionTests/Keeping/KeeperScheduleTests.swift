import Events
import Foundation
import ModelLibrary
import Testing

@testable import Acquisition

@Suite struct KeeperScheduleTests {
    /// The hour on the clocks of Greenwich at which these tests start.
    private let hour = Int(start.timeIntervalSince1970 / 3600) % 24

    @Test func `a changed schedule holds at once, is told, and survives a restart`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            await keeper.applySchedule()
            #expect(fixture.script.now.applied == ["maximum normal"])
            #expect(fixture.told("contribution_changed").isEmpty)
            let changed = try await keeper.setSchedule(
                .init(
                    isEnabled: true, reducedHoursStart: hour, reducedHoursEnd: (hour + 2) % 24,
                    pruneAggressiveness: "aggressive"))
            #expect(changed.isEnabled && changed.reducedContribution == .minimal)
            #expect(fixture.script.now.applied == ["maximum normal", "minimal aggressive"])
            #expect(fixture.told("contribution_changed").map(\.fields.detailText) == ["minimal"])
            #expect(await keeper.contribution() == .minimal)
            #expect(await keeper.snapshot().contribution == .minimal)
            #expect(await keeper.snapshot().pruneAggressiveness == .aggressive)
            #expect(await (try fixture.restarted()).schedule() == changed)
        }
    }

    @Test func `a change that is not possible changes nothing`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            let error = try await #require(throws: AcquisitionError.self) {
                try await keeper.setSchedule(.init(isEnabled: true, reducedHoursStart: 24))
            }
            #expect(error.code == .badSchedule && error.field == "reduced_hours_start")
            #expect(await keeper.schedule() == .standard)
            #expect(fixture.records.schedule == nil)
        }
    }

    @Test func `the level changes on the hour, and a clock that is set is noticed within a minute`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper()
            _ = try await keeper.setSchedule(
                .init(isEnabled: true, reducedHoursStart: (hour + 1) % 24, reducedHoursEnd: (hour + 3) % 24))
            #expect(await keeper.contribution() == .maximum)
            let untilChange = try #require(await keeper.timeUntilChange)
            #expect(untilChange > .zero && untilChange <= .seconds(3600))
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                await until { fixture.clock.sleeperCount == 2 }
                // Two hours later by the calendar, a minute later by the watch.
                fixture.clock.setCalendar(.seconds(7200))
                fixture.clock.advance(by: .seconds(60))
                await until { fixture.script.now.applied.last == "minimal normal" }
                fixture.clock.setCalendar(.zero)
                await until { fixture.clock.sleeperCount == 2 }
                fixture.clock.advance(by: .seconds(60))
                await until { fixture.script.now.applied.last == "maximum normal" }
                group.cancelAll()
            }
        }
    }

    @Test func `at a lower level less is fetched at once`() async throws {
        try await withKeeperFixture(shards: [0]) { fixture in
            let keeper = fixture.keeper { $0.contribution = .minimal }
            fixture.membership.set([try await fixture.peer(2, shards: [0, 1, 2, 3, 4, 5])])
            try await keeper.notePinned(fixture.id)
            await keeper.turn()
            #expect(fixture.script.now.fetched.count == 1)
            fixture.script.set { $0.downloading = [:] }
            await keeper.configure { $0.contribution = .moderate }
            await keeper.turn()
            #expect(fixture.script.now.fetched.count == 3)
        }
    }
}
