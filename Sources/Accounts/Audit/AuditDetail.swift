/// One thing that the audit log says about an action, besides who, what and whom.
///
/// Made only of values that are no secret. The one kind of free text is for what people wrote for people to read, and what looks
/// like a credential in it is struck out; an `AuditedName` is none.
package struct AuditDetail: Sendable, Hashable {
    package let name: String
    package let value: String

    private init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    package static func username(_ name: Username) -> AuditDetail {
        AuditDetail(name: "username", value: name.rawValue)
    }
    package static func email(_ email: EmailAddress) -> AuditDetail {
        AuditDetail(name: "email", value: email.rawValue)
    }
    package static func role(_ role: Role) -> AuditDetail { AuditDetail(name: "role", value: role.rawValue) }
    package static func active(_ isActive: Bool) -> AuditDetail { AuditDetail(name: "active", value: "\(isActive)") }
    package static func tokens(_ amount: Int64) -> AuditDetail { AuditDetail(name: "tokens", value: "\(amount)") }
    /// That a secret was replaced, and nothing of what it is.
    package static let passwordReplaced = AuditDetail(name: "password", value: "replaced")
    package static func number(_ name: StaticString, _ value: Int64) -> AuditDetail {
        AuditDetail(name: "\(name)", value: "\(value)")
    }
    /// What a value of a type that was checked is called, just as it is.
    package static func name(_ name: StaticString, _ value: some AuditedName) -> AuditDetail {
        AuditDetail(name: "\(name)", value: value.description)
    }
    /// Text that people wrote: a reason, the name of a token. At most 200 characters are kept.
    package static func note(_ name: StaticString, _ text: String) -> AuditDetail {
        AuditDetail(name: "\(name)", value: redacted(text))
    }
    /// How the actor proved to be a user.
    static func proof(_ proof: String) -> AuditDetail { AuditDetail(name: "proof", value: proof) }
    /// Why something was refused.
    static func refusal(_ code: AccountError.Code) -> AuditDetail {
        AuditDetail(name: "refusal", value: code.description)
    }

    /// An entry of the log, read again.
    init(stored name: String, _ value: String) {
        self.init(name: name, value: value)
    }

    /// Strikes out what may be a credential: runs of 32 or more letters, digits, `-` and `_` that are all hexadecimal or have letters
    /// of both cases, as keys and API tokens do, and the parts of JWTs; cuts what is too long; makes control characters spaces.
    static func redacted(_ text: String) -> String {
        var result = ""
        var run: [UInt8] = []
        func endRun() {
            let isHexadecimal = run.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
                default: false
                }
            }
            let hasBothCases =
                run.contains { (0x41...0x5A).contains($0) } && run.contains { (0x61...0x7A).contains($0) }
            let text = String(decoding: run, as: UTF8.self)
            let isCredential =
                run.count >= 32 && (isHexadecimal || hasBothCases) || text.hasPrefix("shl_") || text.hasPrefix("eyJ")
            result += isCredential ? "[struck out]" : text
            run.removeAll()
        }
        for scalar in text.unicodeScalars.prefix(2000) {
            if scalar.isASCII,
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-"
                    || scalar == "_"
            {
                run.append(UInt8(scalar.value))
            } else {
                endRun()
                result.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
            }
        }
        endRun()
        return String(result.prefix(200))
    }
}
