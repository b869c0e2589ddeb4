import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The table of the networks from which users have logged in: whoever guesses their passwords does not keep them out there, after a
/// restart neither.
enum KnownNetworks {
    /// Notes that a user has logged in from an address; of their networks the `most` that were used latest stay.
    static func note(_ address: ClientAddress, of user: UserID, at now: Double, most: Int, _ database: Database) throws
    {
        try database.execute(
            sql: "INSERT OR REPLACE INTO accountNetwork (user, network, used) VALUES (?, ?, ?)",
            arguments: [user.rawValue, Data(address.network), now])
        try database.execute(
            sql: """
                DELETE FROM accountNetwork WHERE user = ? AND network NOT IN (
                    SELECT network FROM accountNetwork WHERE user = ? ORDER BY used DESC, network LIMIT ?)
                """, arguments: [user.rawValue, user.rawValue, most])
    }

    /// The networks of all users by their names, those of one user and all users in the order in which they were used last.
    static func all(_ database: Database) throws -> [(username: String, address: ClientAddress)] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT username, network FROM accountNetwork JOIN accountUser ON accountUser.id = user ORDER BY used, network
                """)
        return rows.map { ($0["username"], ClientAddress(network: Array($0["network"] as Data))) }
    }
}
