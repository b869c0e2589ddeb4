import Accounts
import HTTPTypes

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The cookie that holds a web session (RFC 6265): no script reads it, and no other site's page sends it.
enum SessionCookie {
    static let name = "shoal_session"

    /// The session in a request's cookies; where several are sent, the first.
    static func value(in headers: HTTPFields) -> String? {
        for header in headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == name else { continue }
                return String(parts[1])
            }
        }
        return nil
    }

    /// The `Set-Cookie` of a session that has begun.
    static func setting(_ session: NewSession, now: Date) -> String {
        let seconds = max(0, Int(session.expires.timeIntervalSince(now)))
        return "\(name)=\(session.id); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
    }

    /// The `Set-Cookie` that takes it away.
    static let clearing = "\(name)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
}
