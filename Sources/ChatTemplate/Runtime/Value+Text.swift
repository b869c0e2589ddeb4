import OrderedCollections

extension Value {
    /// The value as it is printed: Python's `str`.
    var text: String {
        switch self {
        case .undefined: return ""
        case .string(let value): return value
        default:
            var text = ""
            writeRepresentation(to: &text)
            return text
        }
    }

    /// The value as Python's `repr` writes it, which is how elements of lists are printed.
    var representation: String {
        var text = ""
        writeRepresentation(to: &text)
        return text
    }

    private func writeRepresentation(to text: inout String) {
        switch self {
        case .undefined: text += "Undefined"
        case .none: text += "None"
        case .bool(let value): text += value ? "True" : "False"
        case .integer(let value): text += String(value)
        case .float(let value): text += value.pythonDescription
        case .string(let value): value.writePythonRepresentation(to: &text)
        case .list(let values): Value.write(values.items, brackets: ("[", "]"), to: &text)
        case .tuple(let values):
            Value.write(values.items, brackets: ("(", values.items.count == 1 ? ",)" : ")"), to: &text)
        case .view(let values): Value.write(values.items, brackets: ("dict_view([", "])"), to: &text)
        case .dictionary(let values):
            text += "{"
            for (index, entry) in values.items.enumerated() {
                if index > 0 { text += ", " }
                entry.key.writeRepresentation(to: &text)
                text += ": "
                entry.value.writeRepresentation(to: &text)
            }
            text += "}"
        case .namespace: text += "<Namespace>"  // its attributes may contain itself
        case .generator: text += "<generator>"
        case .loop(let loop): text += "<LoopContext \(loop.index0 + 1)>"
        case .function(let function): text += "<function \(function.name)>"
        }
    }

    private static func write(_ values: [Value], brackets: (String, String), to text: inout String) {
        text += brackets.0
        for (index, value) in values.enumerated() {
            if index > 0 { text += ", " }
            value.writeRepresentation(to: &text)
        }
        text += brackets.1
    }
}

extension String {
    /// Appends the string in quotes as Python's `repr` escapes it.
    fileprivate func writePythonRepresentation(to text: inout String) {
        let quote: Unicode.Scalar = unicodeScalars.contains("'") && !unicodeScalars.contains("\"") ? "\"" : "'"
        text.unicodeScalars.append(quote)
        for scalar in unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case quote: text += "\\\(quote)"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if scalar.isPythonPrintable {
                    text.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                    text += "\\\(letter)\(String(repeating: "0", count: width - digits.count))\(digits)"
                }
            }
        }
        text.unicodeScalars.append(quote)
    }
}

extension Unicode.Scalar {
    /// Whether Python's `repr` prints the character as it is.
    fileprivate var isPythonPrintable: Bool {
        if self == " " { return true }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }
}
