/// What names, calls or refers to something outside the pickle.
extension PickleMachine {
    // MARK: Names

    /// GLOBAL: two lines of text.
    mutating func pushNamedGlobal() throws {
        let (module, name) = try nameLines()
        try push(.global(try listed(module: module, name: name)))
    }

    private mutating func nameLines() throws -> (module: [UInt8], name: [UInt8]) {
        let module = try cursor.line(maximumBytes: limits.lineBytes)
        return (module, try cursor.line(maximumBytes: limits.lineBytes))
    }

    /// STACK_GLOBAL: two texts from the stack. They may come from the memo, as protocol 4 has it, since no entry of the memo is
    /// ever written twice; whatever is not a text constant names nothing.
    mutating func pushStackGlobal() throws {
        let name = try pop()
        let module = try pop()
        guard case .text(let moduleText) = module, case .text(let nameText) = name else {
            throw fault(
                .forbiddenGlobal, "a function is named by \(module.kind) and \(name.kind) instead of two plain texts")
        }
        try push(.global(try listed(module: Array(moduleText.utf8), name: Array(nameText.utf8))))
    }

    private mutating func listed(module: [UInt8], name: [UInt8]) throws -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: name) else { throw unlisted(module, name) }
        globals.insert(global)
        return global
    }

    /// The fault of naming what is not on the list. Bytes that could not be a name are no pickle rather than a forbidden one.
    private func unlisted(_ module: [UInt8], _ name: [UInt8]) -> PickleError {
        func printable(_ bytes: [UInt8]) -> String {
            String(decoding: bytes.prefix(80).map { $0 > 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        }
        return fault(
            PickleGlobal.couldBe(module: module, name: name) ? .forbiddenGlobal : .malformed,
            "\(printable(module)).\(printable(name)) is not among what rebuilds tensors; save plain tensors only")
    }

    /// The opcodes that make objects in ways that no checkpoint of plain tensors needs. What they would name is told.
    mutating func refuse(_ opcode: PickleOpcode) throws -> Never {
        switch opcode {
        case .inst:
            let (module, name) = try nameLines()
            guard PickleGlobal(module: module, name: name) != nil else { throw unlisted(module, name) }
        case .newObj, .newObjEx:
            if opcode == .newObjEx { _ = try pop() }
            _ = try pop()
            guard case .global(let global) = try pop() else { throw fault(.malformed, "NEWOBJ has no class") }
            throw fault(.forbiddenOpcode, "NEWOBJ makes a \(global), which no plain checkpoint does")
        default: break
        }
        throw fault(.forbiddenOpcode, "the opcode \(opcode) has no place in a checkpoint")
    }

    // MARK: Calls

    /// REDUCE: calls a function with a tuple.
    mutating func reduce() throws {
        let arguments = try pop()
        let function = try pop()
        guard case .global(let global) = function else {
            throw fault(.forbiddenCall, "\(function.kind) is called as a function")
        }
        guard case .tuple(let place) = arguments else {
            throw fault(.forbiddenCall, "\(global) is called with \(arguments.kind)")
        }
        try look(at: heap[place].count)
        try push(try call(global, heap[place]))
    }

    private mutating func call(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        func refused() -> PickleError {
            fault(
                .forbiddenCall,
                "\(global) is called with (\(arguments.prefix(10).map(\.kind).joined(separator: ", ")))")
        }
        switch (global.role, arguments.count) {
        case (.orderedDictionary, 0): return .orderedDictionary(try make([], cost: Cost.object))
        case (.orderedDictionary, 1):
            guard let items = try pairs(in: arguments[0]) else { throw refused() }
            return .orderedDictionary(try make(try pairs(items), cost: Cost.object))
        case (.rebuildTensor, 4): return try tensor(arguments[...], type: nil) ?? { throw refused() }()
        case (.rebuildTensor2, 6...7):
            guard isGradAndHooks(arguments[4...5]), arguments.count == 6 || isMetadata(arguments[6]) else {
                throw refused()
            }
            return try tensor(arguments[..<4], type: nil) ?? { throw refused() }()
        case (.rebuildTensor3, 7...8):
            guard isGradAndHooks(arguments[4...5]), arguments.count == 7 || isMetadata(arguments[7]),
                case .global(let type) = arguments[6], case .elementType(let elementType) = type.role
            else { throw refused() }
            return try tensor(arguments[..<4], type: elementType) ?? { throw refused() }()
        case (.rebuildParameter, 3):
            guard case .tensor = arguments[0], isGradAndHooks(arguments[1...2]) else { throw refused() }
            return arguments[0]
        case (.size, 1):
            guard let sides = try numbers(arguments[0]) else { throw refused() }
            try keep(Cost.container + sides.count)
            return .plainObject
        case (.device, 1...2):
            guard case .text = arguments[0] else { throw refused() }
            if arguments.count == 2 { guard case .integer = arguments[1] else { throw refused() } }
            return .plainObject
        case (.latin1Bytes, 2):
            guard arguments[1].isText("latin1") else { throw refused() }
            switch arguments[0] {
            case .text(let text): encodedBytes += UInt64(text.utf8.count)
            case .otherText(let byteCount): encodedBytes += byteCount
            default: throw refused()
            }
            // Each text is encoded once by a pickler, so there are never more bytes than were read.
            guard encodedBytes <= position - start else {
                throw fault(.tooLarge, "the same texts are made bytes again and again")
            }
            try keep(Cost.container)
            return .bytes
        default: throw refused()
        }
    }

    /// The keys and values of a list of pairs, in turn.
    private mutating func pairs(in value: PickleValue) throws -> [PickleValue]? {
        guard case .list(let place) = value else { return nil }
        try look(at: 3 * heap[place].count)
        var items: [PickleValue] = []
        for element in heap[place] {
            switch element {
            case .list(let pair), .tuple(let pair):
                guard heap[pair].count == 2 else { return nil }
                items += heap[pair]
            default: return nil
            }
        }
        return items
    }

    private func isGradAndHooks(_ arguments: ArraySlice<PickleValue>) -> Bool {
        guard case .bool? = arguments.first else { return false }
        return switch arguments.last {
        case .orderedDictionary?, PickleValue.none?: true
        default: false
        }
    }

    private func isMetadata(_ value: PickleValue) -> Bool {
        switch value {
        case .none, .dictionary: true
        default: false
        }
    }
}

extension PickleValue {
    func isText(_ word: String) -> Bool {
        guard case .text(let text) = self else { return false }
        return text.utf8.elementsEqual(word.utf8)
    }
}
