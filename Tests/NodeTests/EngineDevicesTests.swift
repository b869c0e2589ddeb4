import Foundation
import Logging
import Testing

@testable import Node

@Suite("The devices that the engine program finds", .timeLimit(.minutes(1)))
struct EngineDevicesTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func names(
        _ script: String, limit: Duration = .seconds(30), variables: [String: String] = [:]
    ) async throws -> [String] {
        try await withTemporaryDirectory { directory in
            let binary = directory + "/engine"
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: binary))
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: binary)
            return await EngineDevices(binary: binary, limit: limit).names(variables: variables, logger: Self.logger)
        }
    }

    @Test("They are told line by line, under the variables that were given")
    func lines() async throws {
        let found = try await names(
            "echo CUDA0; echo \"$HIP_VISIBLE_DEVICES $1\"", variables: ["HIP_VISIBLE_DEVICES": "-1"])
        #expect(found == ["CUDA0", "-1 --devices"])
    }

    @Test("A program that never answers is given up, and one that is not there finds nothing")
    func silence() async throws {
        let begin = ContinuousClock.now
        #expect(try await names("exec sleep 300", limit: .milliseconds(300)).isEmpty)
        #expect(begin.duration(to: .now) < .seconds(30))
        let missing = EngineDevices(binary: "/nowhere/engine")
        #expect(await missing.names(variables: [:], logger: Self.logger).isEmpty)
    }
}
