/// What a LoRA file draws: the folder that it lies in.
package enum LoRAType: String, CaseIterable, Hashable, Sendable {
    case clothes
    case faces
    case identities
    case product
    case styles
    /// Where none was named.
    case none = "no_type_provided"

    /// Whether only administrators may add files of this type.
    package var isForAdministrators: Bool { self == .faces }

    /// - Parameter name: as in a request; nil and the empty text are `none`.
    /// - Throws: `AdapterError` of code `badType`.
    package init(named name: String?) throws {
        guard let name, !name.isEmpty else {
            self = .none
            return
        }
        guard let type = LoRAType(rawValue: name), name.utf8.elementsEqual(type.rawValue.utf8) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw AdapterError(.badType, "there is no entity type of that name; use one of \(known)")
        }
        self = type
    }
}
