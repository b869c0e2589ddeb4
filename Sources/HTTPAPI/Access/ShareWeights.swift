import Accounts
import Generation
import Inference

/// What callers count beside each other where they want the same places.
package struct ShareWeights: Sendable, Hashable {
    package var users: Int
    package var administrators: Int
    package var nodeKey: Int
    /// Weights of single users, by name in lower case; they come before that of the role.
    package var named: [String: Int]

    package init(
        users: Int = Share.standardWeight, administrators: Int = Share.standardWeight,
        nodeKey: Int = Share.standardWeight, named: [String: Int] = [:]
    ) {
        self.users = users
        self.administrators = administrators
        self.nodeKey = nodeKey
        self.named = named
    }

    /// The share that what a caller asks for counts against. All that a user holds counts as one.
    func share(of caller: Caller) -> Share {
        switch caller {
        case .nobody, .loopback: return Share(caller: "nobody", weight: users)
        case .nodeKey: return Share(caller: "node", weight: nodeKey)
        case .user(let principal, _):
            let weight = named[principal.username.folded] ?? (principal.isAdministrator ? administrators : users)
            return Share(caller: principal.user.description, weight: weight)
        }
    }
}
