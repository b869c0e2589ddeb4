import Exchange
import Foundation
import GGUF
import GRDB
import Identifiers
import Link
import ModelLibrary
import Store
import Synchronization
import Testing

@testable import Acquisition

@Suite struct DownloadQueueTests {
    private func withDownloads(
        hashes: Bool = true, _ body: (DownloadFixture) async throws -> Void
    ) async throws {
        let fixture = try await DownloadFixture(hashes: hashes)
        defer { fixture.remove() }
        try await body(fixture)
    }

    @Test("all shards come from a peer, each byte once, and make the publisher's file", arguments: [true, false])
    func fromPeer(hashes: Bool) async throws {
        try await withDownloads(hashes: hashes) { fixture in
            let sender = fixture.supplier(.peer(peer(1)))
            fixture.offer([[sender]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
                let status = try #require(await queue.status(of: fixture.model))
                #expect(status.downloadedBytes == status.totalBytes)
                #expect(status.source == .peers)
            }
            #expect(try await fixture.isWhole())
            // Bytes that two shards share may come with each of them.
            let total = try await fixture.library.model(fixture.model).manifest.shards.reduce(0) { $0 + $1.sizeBytes }
            #expect(sender.sent.withLock { $0 } <= total)
            #expect(fixture.script.state.withLock { $0.credited[peer(1)] } == sender.sent.withLock { $0 })
        }
    }

    @Test("only the shards that are wanted come")
    func some() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.hub)]])
            let queue = try fixture.queue()
            let wanted = WantedShards.some(try ShardSelection(parsing: "1,3"))
            try await running(queue) {
                try await queue.fetch(wanted, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.library.model(fixture.model).held.map(\.rawValue).sorted() == [1, 3])
            await queue.forget(fixture.model)
            #expect(await queue.statuses() == [])
            #expect(await (try fixture.queue()).statuses() == [], "it is back after a restart")
        }
    }

    @Test("a shard that the model does not have is refused")
    func unknownShard() async throws {
        try await withDownloads { fixture in
            let queue = try fixture.queue()
            let wanted = WantedShards.some(try ShardSelection(parsing: "0,77"))
            let error = await #expect(throws: AcquisitionError.self) {
                try await queue.fetch(wanted, of: fixture.model, trigger: .user)
            }
            #expect(error?.code == .badShards)
            #expect(await queue.statuses().isEmpty)
        }
    }

    @Test(
        "what one supplier leaves out another sends",
        arguments: [(0, DownloadStatus.Source.huggingface), (8000, .mixed)])
    func failing(after count: Int, source: DownloadStatus.Source) async throws {
        try await withDownloads { fixture in
            let failing = fixture.supplier(.peer(peer(1)), .failing(after: count))
            fixture.offer([[failing], [fixture.supplier(.hub)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
                #expect(await queue.status(of: fixture.model)?.source == source)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("with suppliers that break off at random everything comes in the end", arguments: 1...12)
    func shaky(seed: Int) async throws {
        try await withDownloads(hashes: seed % 2 == 0) { fixture in
            fixture.offer([
                (1...3).map { fixture.supplier(.peer(peer($0)), .shaky(seed: UInt64(seed * 10 + $0))) }
            ])
            var settings = DownloadQueue.Settings.hasty
            settings.maximumIdleAttempts = 60
            let queue = try fixture.queue(settings: settings)
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete, "seed \(seed)")
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("a peer that sends a wrong shard is named, and the shard comes from another")
    func liar() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .lying)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.some(ShardSelection(parsing: "2")), of: fixture.model, trigger: .user)
                try await queue.wait(for: fixture.model) { _ in
                    fixture.script.state.withLock { $0.blamed.contains(peer(1)) }
                }
                #expect(try await fixture.library.model(fixture.model).held.isEmpty)
                fixture.offer([[fixture.supplier(.peer(peer(2)))]])
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(fixture.script.state.withLock { Set($0.blamed) } == [peer(1)])
            #expect(try await fixture.library.verify(id: fixture.model) == [])
        }
    }

    @Test("of several senders the one that lied is found out", arguments: 1...3)
    func mixed(liar: Int) async throws {
        try await withDownloads { fixture in
            let senders = (1...3).map { fixture.supplier(.peer(peer($0)), $0 == liar ? .lying : .honest) }
            fixture.offer([senders])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.isWhole())
            let lied = senders[liar - 1].sent.withLock { $0 } > 0
            #expect(fixture.script.state.withLock { Set($0.blamed) } == (lied ? [peer(liar)] : []))
        }
    }

    @Test("where every copy is wrong the download fails, and nothing is held")
    func onlyLiars() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .lying), fixture.supplier(.peer(peer(2)), .lying)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                guard case .failed(let reason) = try await queue.waitForEnd(of: fixture.model) else {
                    Issue.record("it did not fail")
                    return
                }
                #expect(reason.contains("no connected node"))
                #expect(await queue.status(of: fixture.model)?.log.contains { $0.contains("came wrong") } == true)
            }
            #expect(try await fixture.library.model(fixture.model).held.isEmpty)
        }
    }

    @Test("a hub whose bytes do not have the publisher's SHA-256 is found out, and nothing of it is held")
    func lyingHub() async throws {
        try await withDownloads(hashes: false) { fixture in
            fixture.offer([[fixture.supplier(.hub, .lying)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                guard case .failed(let reason) = try await queue.waitForEnd(of: fixture.model) else {
                    Issue.record("it did not fail")
                    return
                }
                #expect(reason.contains("SHA-256"))
                let model = try await fixture.library.model(fixture.model)
                #expect(model.held.isEmpty)
                #expect(model.manifest.shards.allSatisfy { $0.hash == nil })
                // The right bytes are welcome afterwards.
                fixture.offer([[fixture.supplier(.hub)]])
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("cancelling ends the transfer at once and gives back what came in part")
    func cancel() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .stuck)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                try await queue.wait(for: fixture.model) { $0.downloadedBytes > 0 }
                try await queue.cancel(fixture.model)
                #expect(await queue.status(of: fixture.model)?.state == .cancelled)
                #expect(try await fixture.library.arriving().isEmpty)
                await #expect(throws: AcquisitionError.self) { try await queue.cancel(fixture.model) }
                fixture.offer([[fixture.supplier(.peer(peer(2)))]])
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("a restart goes on where it was")
    func restart() async throws {
        try await withDownloads { fixture in
            let stuck = fixture.supplier(.peer(peer(1)), .stuck)
            fixture.offer([[stuck]])
            let first = try fixture.queue()
            try await running(first) {
                try await first.fetch(.all, of: fixture.model, trigger: .user)
                try await first.wait(for: fixture.model) { $0.downloadedBytes > 0 }
            }
            let saved = try await fixture.library.arriving().reduce(UInt64(0)) { $0 + $1.writtenBytes }
            #expect(saved > 0)
            let second = try fixture.queue()
            let honest = fixture.supplier(.peer(peer(2)))
            fixture.offer([[honest]])
            try await running(second) {
                let end = try await second.waitForEnd(of: fixture.model)
                #expect(end == .complete)
            }
            #expect(try await fixture.isWhole())
            let total = try await fixture.library.model(fixture.model).manifest.shards.reduce(0) { $0 + $1.sizeBytes }
            #expect(honest.sent.withLock { $0 } <= total - saved)
        }
    }

    @Test("what comes slowly is made to last while it comes")
    func slow() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.hub, .stuck)]])
            var settings = DownloadQueue.Settings.hasty
            settings.transfer.savedInterval = .zero
            let queue = try fixture.queue(settings: settings)
            try await running(queue) {
                try await queue.fetch(.some(ShardSelection(parsing: "0")), of: fixture.model, trigger: .user)
                let deadline = ContinuousClock.now + .seconds(20)
                while try await fixture.library.arriving().allSatisfy({ $0.writtenBytes == 0 }) {
                    try #require(ContinuousClock.now < deadline, "nothing was written down")
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(await queue.status(of: fixture.model)?.state == .downloading)
            }
        }
    }

    @Test("without room for all of it nothing is begun")
    func noRoom() async throws {
        try await withDownloads { fixture in
            fixture.script.state.withLock { $0.room = 100_000 }
            let queue = try fixture.queue()
            let error = await #expect(throws: AcquisitionError.self) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
            }
            #expect(error?.code == .diskFull)
            #expect(await queue.statuses().isEmpty)
            #expect(try await fixture.library.arriving().isEmpty)
        }
    }

    @Test("a download whose room is taken waits, and goes on when there is room again")
    func pauses() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)))]])
            let queue = try fixture.queue()
            try await queue.fetch(.all, of: fixture.model, trigger: .user)
            fixture.script.state.withLock { $0.room = 10 }
            try await running(queue) {
                try await queue.wait(for: fixture.model) {
                    if case .paused = $0.state { true } else { false }
                }
                #expect(try await fixture.library.model(fixture.model).held.isEmpty)
                fixture.script.state.withLock { $0.room = .max }
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("a download whose end cannot be written down, for the database is full, waits until it can")
    func fullDatabase() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.hub)]])
            let store = try Store(path: fixture.root + "/shoal.sqlite")
            let queue = try fixture.queue(store: store)
            try await store.write { database in
                // Removing the download needs more pages than this connection may add.
                try database.execute(
                    sql: """
                        CREATE TABLE ballast (bytes BLOB);
                        CREATE TRIGGER fill BEFORE DELETE ON acquisitionDownload
                        BEGIN INSERT INTO ballast VALUES (zeroblob(10000000)); END
                        """)
                let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
                try database.execute(sql: "PRAGMA max_page_count = \(pages + 50)")
            }
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                try await queue.wait(for: fixture.model) { status in
                    if case .paused(let reason) = status.state { reason.contains("free some space") } else { false }
                }
                try await store.write { try $0.execute(sql: "DROP TRIGGER fill") }
                #expect(try await queue.waitForEnd(of: fixture.model) == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("a shard that nobody sends fails in the end, and the failure outlasts a restart")
    func nobody() async throws {
        try await withDownloads { fixture in
            fixture.offer([])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                guard case .failed = try await queue.waitForEnd(of: fixture.model) else {
                    Issue.record("it did not fail")
                    return
                }
            }
            let second = try fixture.queue()
            try await running(second) {
                try await second.wait(for: fixture.model) { !$0.state.isActive }
                guard case .failed(let reason)? = await second.status(of: fixture.model)?.state else {
                    Issue.record("the failure was forgotten")
                    return
                }
                #expect(reason.contains("no connected node"))
                fixture.offer([[fixture.supplier(.hub)]])
                try await second.fetch(.all, of: fixture.model, trigger: .user)
                #expect(try await second.waitForEnd(of: fixture.model) == .complete)
            }
        }
    }

    @Test("what was asked for while a download runs comes with it")
    func added() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .stuck)]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await queue.fetch(.some(ShardSelection(parsing: "0")), of: fixture.model, trigger: .autoManage)
                try await queue.wait(for: fixture.model) { $0.downloadedBytes > 0 }
                fixture.offer([[fixture.supplier(.peer(peer(2)))]])
                try await queue.fetch(.some(ShardSelection(parsing: "2")), of: fixture.model, trigger: .user)
                try await queue.wait(for: fixture.model) { status in
                    status.shards.contains { $0.index.rawValue == 2 && $0.state == .complete }
                }
                let status = try #require(await queue.status(of: fixture.model))
                #expect(status.shards.map(\.index.rawValue) == [0, 2])
                #expect(status.trigger == .user)
            }
        }
    }

    @Test("what a peer sent before does not become the publisher's word, where only the publisher is left")
    func laundered() async throws {
        try await withDownloads(hashes: false) { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .lyingThenStuck)]])
            let first = try fixture.queue()
            let wanted = WantedShards.some(try ShardSelection(parsing: "2"))
            try await running(first) {
                try await first.fetch(wanted, of: fixture.model, trigger: .user)
                try await first.wait(for: fixture.model) { $0.downloadedBytes > 0 }
            }
            fixture.offer([[fixture.supplier(.hub)]])
            let second = try fixture.queue()
            try await running(second) {
                let end = try await second.waitForEnd(of: fixture.model)
                #expect(end == .complete)
            }
            let model = try await fixture.library.model(fixture.model)
            #expect(model.held.map(\.rawValue) == [2])
            #expect(model.manifest.shards[2].hash == fixture.shardHashes[2])
        }
    }

    @Test("shards that share bytes are neighbours, and no others are")
    func neighbours() async throws {
        try await withDownloads { fixture in
            let manifest = try await fixture.library.model(fixture.model).manifest
            let neighbours = Download.neighbours(of: Set(manifest.shardIndices), in: manifest)
            // The embeddings serve as the output too.
            let first = try #require(manifest.shardIndices.first)
            let last = try #require(manifest.shardIndices.last)
            #expect(neighbours == [first: [last], last: [first]])
            #expect(Download.neighbours(of: [first], in: manifest).isEmpty)
        }
    }

    @Test("wishes that come at the same moment all come true")
    func atOnce() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)))]])
            let queue = try fixture.queue()
            try await running(queue) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for shard in fixture.shardHashes.indices {
                        group.addTask {
                            let wanted = WantedShards.some(try ShardSelection(parsing: "\(shard)"))
                            try await queue.fetch(wanted, of: fixture.model, trigger: .user)
                        }
                    }
                    try await group.waitForAll()
                }
                try await queue.wait(for: fixture.model) { $0.shards.count == fixture.shardHashes.count }
                let end = try await queue.waitForEnd(of: fixture.model)
                #expect(end == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }

    @Test("what was asked for before the queue runs does not replace what an earlier start left")
    func beforeRunning() async throws {
        try await withDownloads { fixture in
            let first = try fixture.queue()
            try await first.fetch(.some(ShardSelection(parsing: "0")), of: fixture.model, trigger: .user)
            fixture.offer([[fixture.supplier(.peer(peer(1)))]])
            let second = try fixture.queue()
            try await second.fetch(.some(ShardSelection(parsing: "2")), of: fixture.model, trigger: .user)
            try await running(second) {
                let end = try await second.waitForEnd(of: fixture.model)
                #expect(end == .complete)
            }
            #expect(try await fixture.library.model(fixture.model).held.map(\.rawValue).sorted() == [0, 2])
        }
    }

    @Test("a supplier that trickles is given up for one that does not")
    func trickling() async throws {
        try await withDownloads { fixture in
            fixture.offer([[fixture.supplier(.peer(peer(1)), .stuck)], [fixture.supplier(.peer(peer(2)))]])
            var settings = DownloadQueue.Settings.hasty
            settings.transfer.pieceTime = .milliseconds(20)
            settings.transfer.slowestBytesPerSecond = 1 << 30
            let queue = try fixture.queue(settings: settings)
            try await running(queue) {
                try await queue.fetch(.all, of: fixture.model, trigger: .user)
                let end = try await queue.waitForEnd(of: fixture.model)
                #expect(end == .complete)
            }
            #expect(try await fixture.isWhole())
        }
    }
}
