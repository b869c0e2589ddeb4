import Foundation
import GRDB
import Identifiers
import Logging
import ModelLibrary
import ShoalTestSupport
import Store
import Testing

@testable import Acquisition

@Suite struct ModelRecordsTests {
    private let origin = ModelOrigin(repository: "owner/name", file: "sub/model.gguf", revision: "abc")

    @Test func `what is written is there after a restart`() async throws {
        try await withTemporaryFolder { folder in
            let model = try modelID("m")
            let schedule = try ResourceSchedule(isEnabled: true, reducedHoursStart: 1, reducedHoursEnd: 2)
            var expected = ModelRecord()
            do {
                let records = try quietRecords(Store(path: folder + "/db"))
                try records.pin(model, at: start)
                try records.update(model) { record in
                    record.origin = origin
                    record.policy = try ModelPolicy(isEnabled: false, maximumShards: 3, allowsPruning: false)
                    record.shards[try shard(0)] = .init(isLocked: true)
                    record.shards[try shard(1)] = .init(isDeleted: true, pruned: start)
                    record.shards[try shard(2)] = .init(heldSince: start, lastUsed: start + 1)
                }
                try records.add([model: 4], at: start)
                try records.set(schedule)
                try records.add(.sample(of: model, shard: 1))
                expected = try records.record(of: model)
            }
            let records = try quietRecords(Store(path: folder + "/db"))
            #expect(try records.record(of: model) == expected)
            #expect(expected.trust?.level(at: start) == .pinned)
            #expect(expected.shards.count == 3)
            #expect(records.demand(at: start) == [model: 4])
            #expect(records.schedule == schedule)
            #expect(try records.pruneHistory() == [.sample(of: model, shard: 1)])
        }
    }

    @Test func `what another process writes comes in with a refresh`() async throws {
        try await withTemporaryFolder { folder in
            let model = try modelID("m")
            let here = try quietRecords(Store(path: folder + "/db"))
            let elsewhere = try quietRecords(Store(path: folder + "/db"))
            try elsewhere.pin(model, at: start)
            #expect(try here.record(of: model).trust == nil)
            #expect(try here.refresh())
            #expect(try here.record(of: model).trust?.isPinned == true)
            #expect(try !here.refresh())
        }
    }

    @Test func `a change that throws changes nothing`() throws {
        struct Refusal: Error {}
        let records = try quietRecords(Store.inMemory())
        let model = try modelID("m")
        #expect(throws: Refusal.self) {
            try records.update(model) { record in
                record.isDeleted = true
                throw Refusal()
            }
        }
        #expect(try records.record(of: model) == ModelRecord())
    }

    @Test(arguments: [
        ("trust", "'no JSON'"), ("trust", #"'{"merit":7,"pinned":true,"requests":0,"idle_since":0}'"#),
        ("trust", #"'{"merit":0,"pinned":true,"requests":9223372036854775807,"idle_since":0}'"#),
        ("policy", #"'{"max_shards":-1}'"#), ("policy", "'[]'"), ("origin", #"'{"repo_id":"a/b"}'"#),
        ("origin", #"'{"repo_id":"../etc","filename":"x.gguf"}'"#),
        ("origin", #"'{"repo_id":"a/b","filename":"../../x.gguf"}'"#),
    ])
    func `a value that nobody could have written is a fault of its model alone`(column: String, value: String) throws {
        let store = try Store.inMemory()
        let good = try modelID("good")
        let bad = try modelID("bad")
        let first = try quietRecords(store)
        for model in [good, bad] {
            try first.update(model) { $0.shards[try shard(3)] = .init(isLocked: true) }
        }
        try store.write { try $0.execute(sql: "UPDATE keepingModel SET \(column) = \(value) WHERE model = 'bad'") }

        let records = try quietRecords(store)
        let error = try #require(throws: AcquisitionError.self) { try records.record(of: bad) }
        #expect(error.code == .badRecord || error.code == .badOrigin)
        #expect(try records.record(of: good).shards[try shard(3)]?.isLocked == true)
        #expect(records.records.keys.contains(good) && !records.records.keys.contains(bad))
        // An operator's decision heals the record, and what of it could be read stays.
        try records.update(bad) { $0.policy = .standard }
        #expect(try records.record(of: bad).shards[try shard(3)]?.isLocked == true)
        #expect(try quietRecords(store).record(of: bad) == records.record(of: bad))
    }

    @Test(arguments: [
        "UPDATE keepingShard SET shard = -1", "UPDATE keepingShard SET shard = 99999999999",
        "UPDATE keepingShard SET heldSince = 9e300", "UPDATE keepingShard SET pruned = 1e999",
    ])
    func `a shard that cannot be is a fault`(change: String) throws {
        let store = try Store.inMemory()
        let model = try modelID("m")
        try quietRecords(store).update(model) { $0.shards[try shard(3)] = .init(isLocked: true) }
        try store.write { try $0.execute(sql: change) }
        let records = try quietRecords(store)
        #expect(throws: AcquisitionError.self) { try records.record(of: model) }
    }

    @Test func `rows of no model, and a schedule that cannot be, are left out`() throws {
        let store = try Store.inMemory()
        _ = try quietRecords(store)
        try store.write { database in
            try database.execute(
                sql: """
                    INSERT INTO keepingModel VALUES ('../evil', NULL, NULL, NULL, 0, 1);
                    INSERT INTO keepingSchedule VALUES (1, '{"reduced_hours_start": 99}');
                    INSERT INTO keepingRequest VALUES ('NO ID', 1, 1), ('m', 1, -5);
                    INSERT INTO keepingPrune (model, modelName, shard, reason, freedBytes, remainingShards, holdersBefore,
                        holdersAfter, time) VALUES ('m', 'm', -3, '', -1, -1, -1, -1, 1.0);
                    """)
        }
        let records = try quietRecords(store)
        #expect(records.records.isEmpty)
        #expect(records.schedule == nil)
        #expect(records.demand(at: Date(timeIntervalSince1970: 60)).isEmpty)
        #expect(try records.pruneHistory().isEmpty)
    }

    @Test func `a database that is none is a typed error`() async throws {
        try await withTemporaryFolder { folder in
            try Data(repeating: 0x5a, count: 8192).write(to: URL(fileURLWithPath: folder + "/db"))
            #expect(throws: StoreError.self) { _ = try quietRecords(Store(path: folder + "/db")) }
        }
    }

    @Test func `the history keeps the latest thousand prunes, the latest first`() throws {
        let store = try Store.inMemory()
        let records = try quietRecords(store)
        let model = try modelID("m")
        for number in 0..<1003 { try records.add(.sample(of: model, shard: number)) }
        let history = try records.pruneHistory()
        #expect(history.count == 1000)
        #expect(history.first?.shard.rawValue == 1002)
        #expect(history.last?.shard.rawValue == 3)
    }

    @Test func `requests count for an hour`() throws {
        let records = try quietRecords(Store.inMemory())
        let model = try modelID("m")
        try records.add([model: 2], at: start)
        try records.add([model: 3], at: start + 1800)
        #expect(records.demand(at: start + 1800) == [model: 5])
        #expect(records.demand(at: start + 3600) == [model: 3])
        #expect(records.demand(at: start + 3600 + 1800).isEmpty)
        try records.add([model: .max], at: start + 1800)
        try records.add([model: .max], at: start + 1800)
        #expect(records.demand(at: start + 1800)[model] ?? 0 > 1 << 30)
    }

    @Test func `requests wait in memory, of a limited number of models, and of none that cannot be`() throws {
        let records = try quietRecords(Store.inMemory())
        for name in ["m", "m", "", "../x", String(repeating: "a", count: 201)] { records.noteRequest(name) }
        #expect(records.takeWaitingRequests() == [try modelID("m"): 2])
        for number in 0..<5000 { records.noteRequest("m\(number)") }
        #expect(records.takeWaitingRequests().count == 1000)
        #expect(records.takeWaitingRequests().isEmpty)
    }
}

func quietRecords(_ store: Store) throws -> ModelRecords {
    try ModelRecords(store: store, logger: .quiet)
}

extension Logger {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension PruneRecord {
    static func sample(of model: ModelID, shard number: Int) -> PruneRecord {
        PruneRecord(
            model: model, modelName: "Model", shard: ShardIndex(number)!, reason: "enough have it", freedBytes: 1 << 40,
            remainingShards: 2, holdersBefore: 4, holdersAfter: 3, time: start)
    }
}

extension ModelRecord.Shard {
    init(
        isLocked: Bool = false, isDeleted: Bool = false, heldSince: Date? = nil, lastUsed: Date? = nil,
        pruned: Date? = nil
    ) {
        self.init()
        self.isLocked = isLocked
        self.isDeleted = isDeleted
        self.heldSince = heldSince
        self.lastUsed = lastUsed
        self.pruned = pruned
    }
}
