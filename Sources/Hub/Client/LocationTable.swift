import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What was learned about files since they were looked up: newer locations, and what the file store calls their state.
final class LocationTable: Sendable {
    struct Place: Sendable {
        var location: String
        /// The file store's name for the state, which is not the hub's.
        var tag: EntityTag?
        /// Another state was met. The old one stays known, so that whoever else still reads meets it too.
        var isChanged = false
    }

    private struct Key: Hashable {
        let repository: HubRepository
        let path: HubFilePath
        let commit: HubRevision
        let etag: String

        init(_ file: HubFile) {
            repository = file.repository
            path = file.path
            commit = file.commit
            etag = file.etag
        }
    }

    /// Most files that are remembered; the table starts anew when there are more.
    private static let capacity = 4096

    private let places = Mutex<[Key: Place]>([:])

    func place(of file: HubFile) -> Place {
        places.withLock { $0[Key(file)] } ?? Place(location: file.location, tag: nil)
    }

    /// Remembers a newer location. The state is forgotten where another store may call it otherwise.
    func move(_ file: HubFile, to location: String) {
        func store(_ address: String) -> Substring { address.prefix { $0 != "?" } }
        change(file) { place in
            if store(place.location) != store(location) { place.tag = nil }
            place.location = location
        }
    }

    /// Remembers what the store calls the file's state; answers what it called it before, where that is another.
    func note(_ tag: EntityTag, of file: HubFile) -> EntityTag? {
        change(file) { place in
            guard let known = place.tag else {
                place.tag = tag
                return nil
            }
            return known == tag ? nil : known
        }
    }

    func noteChange(of file: HubFile) {
        change(file) { $0.isChanged = true }
    }

    /// Forgets a change, for one who looked the file up again.
    func forgetChange(of file: HubFile) {
        places.withLock { places in
            if places[Key(file)]?.isChanged == true { places[Key(file)] = nil }
        }
    }

    @discardableResult
    private func change<Result>(_ file: HubFile, _ body: (inout Place) -> Result) -> Result {
        places.withLock { places in
            if places.count >= Self.capacity { places.removeAll() }
            return body(&places[Key(file), default: Place(location: file.location, tag: nil)])
        }
    }
}
