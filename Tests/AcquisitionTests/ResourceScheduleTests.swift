import Acquisition
import Foundation
import ShoalTestSupport
import Testing

private func schedule(
    _ start: Int, _ end: Int, isEnabled: Bool = true, reduced: ContributionLevel = .minimal
) throws -> ResourceSchedule {
    try ResourceSchedule(
        isEnabled: isEnabled, reducedHoursStart: start, reducedHoursEnd: end, reducedContribution: reduced)
}

private func zone(_ name: String) throws -> TimeZone { try #require(TimeZone(identifier: name)) }
private func instant(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

struct ResourceScheduleTests {
    @Test(
        "reduced hours are those of the local clock",
        arguments: [
            // start, end, moment, zone, reduced
            (22, 8, "2026-01-15T21:59:59Z", "UTC", false), (22, 8, "2026-01-15T22:00:00Z", "UTC", true),
            (22, 8, "2026-01-15T23:59:59Z", "UTC", true), (22, 8, "2026-01-16T00:00:00Z", "UTC", true),
            (22, 8, "2026-01-16T07:59:59Z", "UTC", true), (22, 8, "2026-01-16T08:00:00Z", "UTC", false),
            (9, 17, "2026-01-15T08:59:59Z", "UTC", false), (9, 17, "2026-01-15T09:00:00Z", "UTC", true),
            (9, 17, "2026-01-15T17:00:00Z", "UTC", false), (0, 1, "2026-01-15T00:30:00Z", "UTC", true),
            (23, 0, "2026-01-15T23:30:00Z", "UTC", true), (23, 0, "2026-01-15T00:00:00Z", "UTC", false),
            // Equal hours are the whole day.
            (5, 5, "2026-01-15T04:00:00Z", "UTC", true), (0, 0, "2026-01-15T23:00:00Z", "UTC", true),
            // Another zone, also one of three quarters of an hour.
            (22, 8, "2026-01-15T21:30:00Z", "Europe/Berlin", true),
            (22, 8, "2026-01-15T03:00:00Z", "America/New_York", true),
            (22, 8, "2026-01-15T13:00:00Z", "America/New_York", false),
            (6, 7, "2026-01-15T00:15:00Z", "Asia/Kathmandu", true),
            (6, 7, "2026-01-15T00:14:59Z", "Asia/Kathmandu", false),
            // Berlin leaves out 2:00 to 3:00 on 29 March and has it twice on 25 October.
            (2, 3, "2026-03-29T00:59:59Z", "Europe/Berlin", false),
            (2, 3, "2026-03-29T01:00:00Z", "Europe/Berlin", false),
            (2, 4, "2026-03-29T01:00:00Z", "Europe/Berlin", true),
            (2, 3, "2026-10-25T00:30:00Z", "Europe/Berlin", true),
            (2, 3, "2026-10-25T01:30:00Z", "Europe/Berlin", true),
            (2, 3, "2026-10-25T02:00:00Z", "Europe/Berlin", false),
        ])
    func reducedHours(start: Int, end: Int, moment: String, zoneName: String, isReduced: Bool) throws {
        let moment = try instant(moment)
        let here = try zone(zoneName)
        #expect(try schedule(start, end).isReduced(at: moment, in: here) == isReduced)
        #expect(try !schedule(start, end, isEnabled: false).isReduced(at: moment, in: here))
        #expect(
            try schedule(start, end, reduced: .moderate).contribution(usual: .maximum, at: moment, in: here)
                == (isReduced ? .moderate : .maximum))
    }

    @Test(
        "the next change is told",
        arguments: [
            (22, 8, "2026-01-15T12:00:00Z", "UTC", "2026-01-15T22:00:00Z"),
            (22, 8, "2026-01-15T22:00:00Z", "UTC", "2026-01-16T08:00:00Z"),
            (22, 8, "2026-01-16T08:00:00Z", "UTC", "2026-01-16T22:00:00Z"),
            (22, 8, "2026-01-15T12:00:00Z", "Europe/Berlin", "2026-01-15T21:00:00Z"),
            (6, 7, "2026-01-15T00:00:00Z", "Asia/Kathmandu", "2026-01-15T00:15:00Z"),
            // The night is an hour shorter, or longer.
            (22, 8, "2026-03-28T21:00:00Z", "Europe/Berlin", "2026-03-29T06:00:00Z"),
            (22, 8, "2026-10-24T20:00:00Z", "Europe/Berlin", "2026-10-25T07:00:00Z"),
            // The clock jumps from 2:00 to 3:00: hours that begin at 2 begin with 3:00, hour 2 alone waits a day.
            (2, 5, "2026-03-29T00:00:00Z", "Europe/Berlin", "2026-03-29T01:00:00Z"),
            (2, 3, "2026-03-29T00:00:00Z", "Europe/Berlin", "2026-03-30T00:00:00Z"),
            // Hour 2 comes twice.
            (2, 3, "2026-10-25T00:00:00Z", "Europe/Berlin", "2026-10-25T02:00:00Z"),
            // Lord Howe Island sets its clock by half an hour: at 2:00 to 1:30, at 2:00 to 2:30.
            (1, 2, "2026-04-04T14:00:00Z", "Australia/Lord_Howe", "2026-04-04T15:30:00Z"),
            (2, 3, "2026-10-03T15:00:00Z", "Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ])
    func nextChange(start: Int, end: Int, after: String, zoneName: String, change: String) throws {
        #expect(
            try schedule(start, end).nextChange(usual: .maximum, after: instant(after), in: zone(zoneName))
                == instant(change)
        )
    }

    @Test func `nothing ever changes with the schedule off, equal hours, or equal levels`() throws {
        let noon = try instant("2026-01-15T12:00:00Z")
        let utc = try zone("UTC")
        #expect(try schedule(22, 8, isEnabled: false).nextChange(usual: .maximum, after: noon, in: utc) == nil)
        #expect(try schedule(3, 3).nextChange(usual: .maximum, after: noon, in: utc) == nil)
        #expect(try schedule(22, 8, reduced: .maximum).nextChange(usual: .maximum, after: noon, in: utc) == nil)
    }

    @Test(arguments: ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
    func `in every zone and on every day the next change is the first one`(zoneName: String) throws {
        let seed = UInt64(20_260)
        var random = SeededRandom(seed: seed)
        let here = try zone(zoneName)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = here
        let clockChanges = sequence(first: try instant("2026-01-01T00:00:00Z")) {
            here.nextDaylightSavingTimeTransition(after: $0)
        }.prefix(5).map { $0 }
        for _ in 0..<60 {
            let first = Int.random(in: 0...23, using: &random)
            let end = (first + Int.random(in: 1...23, using: &random)) % 24
            let reducedHours = Set(sequence(first: first) { ($0 + 1) % 24 == end ? nil : ($0 + 1) % 24 })
            let near = try #require(clockChanges.randomElement(using: &random))
            let quarter =
                (near.timeIntervalSince1970 / 900).rounded()
                + Double(Int.random(in: -150...20, using: &random))
            let moment = Date(timeIntervalSince1970: quarter * 900)
            let isReduced = { (time: Date) in reducedHours.contains(calendar.component(.hour, from: time)) }
            let expected = (1...210).lazy.map { moment + Double($0) * 900 }.first { isReduced($0) != isReduced(moment) }
            let found = try schedule(first, end).nextChange(usual: .maximum, after: moment, in: here)
            #expect(found == expected, "seed \(seed): \(first) to \(end) after \(moment) in \(zoneName)")
        }
    }

    @Test(
        "a field that is not possible is named",
        arguments: [
            (#"{"reduced_hours_start": 24}"#, "reduced_hours_start"),
            (#"{"reduced_hours_start": -1}"#, "reduced_hours_start"),
            (#"{"reduced_hours_end": 255}"#, "reduced_hours_end"),
            (#"{"reduced_contribution": "Minimal"}"#, "reduced_contribution"),
            (#"{"reduced_contribution": ""}"#, "reduced_contribution"),
            (#"{"prune_aggressiveness": "brutal"}"#, "prune_aggressiveness"),
        ])
    func refusals(json: String, field: String) throws {
        let change = try JSONDecoder().decode(ResourceSchedule.Change.self, from: Data(json.utf8))
        let error = try #require(throws: AcquisitionError.self) { try ResourceSchedule.standard.applying(change) }
        #expect(error.code == .badSchedule)
        #expect(error.field == field)
        #expect(error.message.hasPrefix(field))
    }

    @Test func `a change keeps what it does not name, and comes back from storage`() throws {
        let json = #"{"enabled": true, "reduced_hours_end": 6, "prune_aggressiveness": "aggressive"}"#
        let change = try JSONDecoder().decode(ResourceSchedule.Change.self, from: Data(json.utf8))
        let schedule = try ResourceSchedule.standard.applying(change)
        #expect(
            try schedule
                == ResourceSchedule(
                    isEnabled: true, reducedHoursStart: 22, reducedHoursEnd: 6, reducedContribution: .minimal,
                    pruneAggressiveness: .aggressive))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let stored = try encoder.encode(schedule)
        #expect(
            String(decoding: stored, as: UTF8.self)
                == #"{"enabled":true,"prune_aggressiveness":"aggressive","reduced_contribution":"minimal","#
                + #""reduced_hours_end":6,"reduced_hours_start":22}"#)
        #expect(try JSONDecoder().decode(ResourceSchedule.self, from: stored) == schedule)
    }

    @Test func `what is stored and not possible is refused`() {
        #expect(throws: AcquisitionError.self) {
            try JSONDecoder().decode(ResourceSchedule.self, from: Data(#"{"reduced_hours_start": 77}"#.utf8))
        }
    }

    @Test func `a higher level never means less`() {
        let levels: [ContributionLevel] = [.minimal, .moderate, .maximum]
        #expect(levels.map { $0.storageBytes(of: 1001) } == [250, 500, 1001])
        #expect(levels.map { $0.bandwidth(of: .max) }.last == .max)
        #expect(levels.map(\.concurrentDownloads) == levels.map(\.concurrentDownloads).sorted())
        #expect(levels.map(\.bandwidthPercent) == [25, 50, 100])
    }

    @Test func `a policy is replaced as a whole, and a negative limit refused by name`() throws {
        let policy = try JSONDecoder().decode(ModelPolicy.self, from: Data(#"{"max_shards": 4}"#.utf8))
        #expect(try policy == ModelPolicy(isEnabled: true, maximumShards: 4, allowsPruning: true))
        #expect(try JSONDecoder().decode(ModelPolicy.self, from: Data("{}".utf8)) == .standard)
        let error = try #require(throws: AcquisitionError.self) {
            try JSONDecoder().decode(ModelPolicy.self, from: Data(#"{"max_shards": -1}"#.utf8))
        }
        #expect(error.field == "max_shards")
    }
}
