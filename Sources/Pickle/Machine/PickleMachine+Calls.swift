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
        guard case .text(let moduleText?) = module, case .text(let nameText?) = name else {
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
        let isName =
            !module.isEmpty && !name.isEmpty && (module + name).allSatisfy { $0 > 0x20 && $0 != 0x7F }
            && String(validating: module + name, as: UTF8.self) != nil
        return fault(
            isName ? .forbiddenGlobal : .malformed,
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
        try push(try call(global, heap[place]))
    }

    private mutating func call(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
        func refused() -> PickleError {
            fault(
                .forbiddenCall,
                "\(global) is called with (\(arguments.prefix(10).map(\.kind).joined(separator: ", ")))")
        }
        switch (global.role, arguments.count) {
        case (.orderedDictionary, 0): return .orderedDictionary(heap.make([]))
        case (.orderedDictionary, 1):
            guard let items = pairs(in: arguments[0]) else { throw refused() }
            return .orderedDictionary(heap.make(try pairs(items)))
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
            guard numbers(arguments[0]) != nil else { throw refused() }
            return .plainObject
        case (.device, 1...2):
            guard case .text(_?) = arguments[0] else { throw refused() }
            if arguments.count == 2 { guard case .integer = arguments[1] else { throw refused() } }
            return .plainObject
        case (.latin1Bytes, 2):
            guard case .text = arguments[0], arguments[1].isText("latin1") else { throw refused() }
            return .bytes
        default: throw refused()
        }
    }

    /// The keys and values of a list of pairs, in turn.
    private func pairs(in value: PickleValue) -> [PickleValue]? {
        guard case .list(let place) = value else { return nil }
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

    /// A tuple's whole numbers from 0 on; nil for anything else, or more than 64 of them.
    private func numbers(_ value: PickleValue) -> [UInt64]? {
        guard case .tuple(let place) = value, heap[place].count <= 64 else { return nil }
        var numbers: [UInt64] = []
        for element in heap[place] {
            guard case .integer(let number?) = element, number >= 0 else { return nil }
            numbers.append(UInt64(number))
        }
        return numbers
    }

    // MARK: Tensors and storages

    /// A tensor of (storage, offset, size, strides); nil where these are something else.
    /// - Throws: `PickleError` of code `badStorage` where it reaches out of its storage.
    private mutating func tensor(_ arguments: ArraySlice<PickleValue>, type: TorchElementType?) throws -> PickleValue? {
        let arguments = Array(arguments)
        guard case .storage(let place) = arguments[0], case .integer(let first?) = arguments[1], first >= 0,
            let shape = numbers(arguments[2]), let strides = numbers(arguments[3]), shape.count == strides.count
        else { return nil }
        let storage = storages[place]
        let type = type ?? storage.elementType
        let tensor = PickleSummary.Tensor(
            storage: place, elementType: type, offset: UInt64(first), shape: shape, strides: strides)
        if !shape.contains(0) {
            var last = UInt64(first)
            for (dimension, stride) in zip(shape, strides) {
                let (reach, overflow) = (dimension - 1).multipliedReportingOverflow(by: stride)
                let (sum, carry) = last.addingReportingOverflow(reach)
                guard !overflow, !carry else { throw fault(.badStorage, "a tensor of shape \(shape) is too large") }
                last = sum
            }
            guard last < storage.byteCount / type.byteCount else {
                throw fault(
                    .badStorage, "a tensor of shape \(shape) reaches out of its storage of \(storage.byteCount) bytes")
            }
        }
        tensors.append(tensor)
        return .tensor(tensors.count - 1)
    }

    /// The devices that hold data, as PyTorch calls them.
    private static let devices = ["cpu", "cuda", "mps", "xpu", "hpu", "npu", "mtia"]

    /// BINPERSID: refers to a storage by `('storage', type, key, location, count)`, in legacy files with a sixth element.
    mutating func pushStorage() throws {
        guard case .tuple(let place) = try pop() else {
            throw fault(.forbiddenCall, "a persistent identifier is no tuple")
        }
        let parts = heap[place]
        guard parts.count == 5 || parts.count == 6 && parts[5] == PickleValue.none, parts[0].isText("storage"),
            case .global(let global) = parts[1], case .storageType(let type) = global.role,
            case .text(let key?) = parts[2], case .text(let location?) = parts[3],
            case .integer(let count?) = parts[4], count >= 0
        else {
            throw fault(
                .forbiddenCall, "a persistent identifier is (\(parts.prefix(6).map(\.kind).joined(separator: ", ")))")
        }
        guard !UInt64(count).multipliedReportingOverflow(by: type.byteCount).overflow else {
            throw fault(.badStorage, "the storage \(key) has \(count) elements")
        }
        let device = location.split(separator: ":", omittingEmptySubsequences: false)
        guard Self.devices.contains(where: { device[0].utf8.elementsEqual($0.utf8) }),
            device.count == 1 || device.count == 2 && UInt8(device[1]) != nil
        else { throw fault(.unsupported, "the storage \(key) was saved on an unknown device; save it on the CPU") }
        let storage = PickleSummary.Storage(
            key: key, elementType: type, elementCount: UInt64(count), location: location)
        if let known = storagePlaces[key] {
            guard storages[known] == storage else {
                throw fault(.badStorage, "the storage \(key) is described in two ways")
            }
            return try push(.storage(known))
        }
        storagePlaces[key] = storages.count
        storages.append(storage)
        try push(.storage(storages.count - 1))
    }

    // MARK: States

    /// BUILD: gives an object attributes. Only an OrderedDict may have them, as PyTorch's state dicts keep `_metadata`; names
    /// that Python itself looks up are refused.
    mutating func build() throws {
        let state = try pop()
        guard case .orderedDictionary = try top(), case .dictionary(let place) = state else {
            throw fault(.forbiddenCall, "\(try top().kind) is given \(state.kind) as its state")
        }
        let items = heap[place]
        for index in stride(from: 0, to: items.count, by: 2) {
            guard case .text(let name?) = items[index], !name.hasPrefix("__"), name.utf8.allSatisfy({ $0 < 0x80 })
            else {
                throw fault(.forbiddenCall, "an OrderedDict is given the attribute \(items[index])")
            }
        }
    }
}

extension PickleValue {
    func isText(_ word: String) -> Bool {
        guard case .text(let text?) = self else { return false }
        return text.utf8.elementsEqual(word.utf8)
    }
}
