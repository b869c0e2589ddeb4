import Acquisition
import Foundation
import Testing

private let day: TimeInterval = 86_400

private typealias Step = ModelTrustTests.Step

private let threeRequests: [Step] = [
    Step(days: 0, event: .requested, level: .discovered), Step(days: 1, event: .requested, level: .discovered),
    Step(days: 2, event: .requested, level: .demandVerified),
]

struct ModelTrustTests {
    /// An event after so many days.
    struct Step: Sendable, CustomTestStringConvertible {
        let days: Double
        let event: ModelTrust.Event
        let level: ModelTrust.Level
        var testDescription: String { "day \(days): \(event) → \(level)" }
    }

    @Test(
        "events lead from level to level",
        arguments: [
            threeRequests,
            threeRequests + [Step(days: 2, event: .seen(holders: 2), level: .demandVerified)],
            threeRequests + [Step(days: 2, event: .seen(holders: 3), level: .networkPopular)],
            // Holders alone vouch for nothing, nor does a pin with them.
            [Step(days: 0, event: .seen(holders: 100), level: .discovered)],
            [
                Step(days: 0, event: .pinned, level: .pinned), Step(days: 0, event: .seen(holders: 9), level: .pinned),
                Step(days: 400, event: .seen(holders: 9), level: .pinned),
                Step(days: 401, event: .unpinned, level: .discovered),
            ],
            // A pin stands beside what was earned.
            threeRequests + [
                Step(days: 2, event: .pinned, level: .demandVerified),
                Step(days: 3, event: .unpinned, level: .demandVerified),
            ],
            threeRequests + [
                Step(days: 2, event: .pinned, level: .demandVerified),
                Step(days: 20, event: .seen(holders: 5), level: .pinned),
            ],
            // Requests that are too far apart do not add up.
            [
                Step(days: 0, event: .requested, level: .discovered),
                Step(days: 1, event: .requested, level: .discovered),
                Step(days: 8, event: .requested, level: .discovered),
                Step(days: 9, event: .requested, level: .discovered),
                Step(days: 10, event: .requested, level: .demandVerified),
            ],
            // One step down for each idle week; holders do not lift what nobody asks for.
            threeRequests + [
                Step(days: 2, event: .seen(holders: 3), level: .networkPopular),
                Step(days: 8.9, event: .seen(holders: 3), level: .networkPopular),
                Step(days: 9, event: .seen(holders: 3), level: .demandVerified),
                Step(days: 15.9, event: .seen(holders: 3), level: .demandVerified),
                Step(days: 16, event: .seen(holders: 3), level: .discovered),
            ],
            // A request after an idle week lets holders count again.
            threeRequests + [
                Step(days: 2, event: .seen(holders: 3), level: .networkPopular),
                Step(days: 10, event: .requested, level: .demandVerified),
                Step(days: 10, event: .seen(holders: 3), level: .networkPopular),
            ],
            // A clock that is set back takes nothing away.
            threeRequests + [
                Step(days: -100, event: .requested, level: .demandVerified),
                Step(days: -94, event: .requested, level: .demandVerified),
            ],
        ])
    func ladder(steps: [Step]) throws {
        var trust = ModelTrust(discovered: start)
        var level = ModelTrust.Level.discovered
        for step in steps {
            let now = start + step.days * day
            let change = trust.apply(step.event, at: now)
            #expect(trust.level(at: now) == step.level, "\(step.testDescription)")
            #expect(change?.to == (level == step.level ? nil : step.level), "\(step.testDescription)")
            if let change { #expect(change.from == level) }
            level = step.level
        }
    }

    @Test func `time alone takes a step each week`() {
        var trust = trusted()
        trust.apply(.seen(holders: 3), at: start)
        let levels = [0, 6.99, 7, 13.99, 14, 1e7].map { trust.level(at: start + $0 * day) }
        #expect(
            levels == [
                .networkPopular, .networkPopular, .demandVerified, .demandVerified, .discovered, .discovered,
            ])
    }

    @Test func `raw values are those of the API`() throws {
        #expect(
            ModelTrust.Level.allCases.map(\.rawValue) == ["Discovered", "Pinned", "DemandVerified", "NetworkPopular"])
        #expect(
            String(decoding: try JSONEncoder().encode([ModelTrust.Level.demandVerified]), as: UTF8.self)
                == #"["DemandVerified"]"#)
        #expect(ModelTrust.Level.allCases.filter { !$0.allowsFetching } == [.discovered])
    }

    @Test func `a record comes back from storage as it was`() throws {
        var trust = trusted()
        trust.apply(.seen(holders: 4), at: start)
        trust.apply(.pinned, at: start + day)
        let copy = try JSONDecoder().decode(ModelTrust.self, from: JSONEncoder().encode(trust))
        #expect(copy == trust)
        #expect(copy.level(at: start + day) == .networkPopular)
        #expect(copy.isPinned)
    }
}
