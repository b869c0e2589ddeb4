import HTTPTypes
import Synchronization

/// How many uploads go on at once.
final class UploadSlots: Sendable {
    private let most: Int
    private let taken = Mutex(0)

    init(_ most: Int) { self.most = most }

    /// Runs `body`, where there is room for it.
    ///
    /// - Throws: 503 where there is none.
    func use<Value>(_ body: () async throws -> Value) async throws -> Value {
        try taken.withLock { taken throws(APIError) in
            guard taken < most else {
                var error = APIError.unavailable("\(most) uploads are going on already; try again soon")
                error.headers[.retryAfter] = "2"
                throw error
            }
            taken += 1
        }
        defer { taken.withLock { $0 -= 1 } }
        return try await body()
    }
}
