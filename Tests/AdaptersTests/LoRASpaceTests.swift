import Foundation
import Synchronization
import Testing

@testable import Adapters

@Suite("The room for LoRA files")
struct LoRASpaceTests {
    private static let file = LoRAFixture.safetensors(count: 1000)
    private static let fileBytes = UInt64(file.count)

    private static func open(
        _ fixture: LoRAFixture, _ limits: LoRASpaceLimits, free: @escaping @Sendable () -> UInt64 = { .max }
    ) throws -> LoRALibrary {
        try LoRALibrary(
            dataDirectory: fixture.root, store: fixture.store, maximumFileBytes: 1 << 30, space: limits,
            move: FileMove(), freeBytes: { _ in free() }, now: { 1000 })
    }

    @Test("is bounded for all of them, the bin and what is coming in with them")
    func total() async throws {
        try await withLoRAs { fixture in
            let limits = LoRASpaceLimits(totalBytes: 3 * Self.fileBytes + 10)
            let first = try await Self.open(fixture, limits).add(Self.file).file.path
            // A library that is opened again counts what it finds.
            let library = try Self.open(fixture, limits)
            let deleted = try await library.delete(first)
            try await library.add(Self.file)
            do {
                let coming = try await library.room(for: Self.fileBytes)
                #expect(await code { _ = try await library.room(for: 11) } == .diskFull)
                #expect(await code { try await library.add(Self.file) } == .diskFull)
                #expect(try fixture.names("models/loras/.incoming").isEmpty)
                withExtendedLifetime(coming) {}
            }
            _ = try await library.room(for: Self.fileBytes + 10)
            #expect(await code { _ = try await library.room(for: Self.fileBytes + 11) } == .diskFull)
            try await library.purge(deleted.path)
            try await library.add(Self.file)
            #expect(await code { _ = try await library.room(for: Self.fileBytes + 11) } == .diskFull)
            _ = try await library.room(for: Self.fileBytes + 10)
        }
    }

    @Test("that somebody made by hand is found when it is needed")
    func byHand() async throws {
        try await withLoRAs { fixture in
            let library = try Self.open(fixture, LoRASpaceLimits(totalBytes: Self.fileBytes))
            let file = try await library.add(Self.file).file
            try FileManager.default.removeItem(atPath: file.fullPath)
            _ = try await library.room(for: Self.fileBytes)
            try await library.add(Self.file)
        }
    }

    @Test("leaves some of the disk free, and gives none of it away twice")
    func reserve() async throws {
        try await withLoRAs { fixture in
            let free = Mutex<UInt64>(100_000)
            let library = try Self.open(fixture, LoRASpaceLimits(reserveBytes: 40_000)) { free.withLock { $0 } }
            let one = try await library.room(for: 50_000)
            #expect(await code { _ = try await library.room(for: 10_001) } == .diskFull)
            let other = try await library.room(for: 10_000)
            // What is written is not free any more.
            try one.write(30_000)
            free.withLock { $0 -= 30_000 }
            #expect(await code { _ = try await library.room(for: 1) } == .diskFull)
            one.giveBack()
            #expect(await code { _ = try await library.room(for: 20_001) } == .diskFull)
            _ = try await library.room(for: 20_000)
            #expect(await code { try other.write(10_000 + 20_001) } == .diskFull)
            try other.write(10_000 + 20_000)
        }
    }
}
