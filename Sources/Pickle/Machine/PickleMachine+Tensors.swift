/// Tensors, the storages that they lie in, and the states of dictionaries.
extension PickleMachine {
    /// A tuple's whole numbers from 0 on; nil for anything else, or more than 64 of them.
    mutating func numbers(_ value: PickleValue) throws -> [UInt64]? {
        guard case .tuple(let place) = value, heap[place].count <= 64 else { return nil }
        try look(at: heap[place].count)
        var numbers: [UInt64] = []
        for element in heap[place] {
            guard case .integer(let number?) = element, number >= 0 else { return nil }
            numbers.append(UInt64(number))
        }
        return numbers
    }

    /// A tensor of (storage, offset, size, strides); nil where these are something else.
    /// - Throws: `PickleError` of code `badStorage` where it reaches out of its storage, `tooLarge` where it or all tensors are
    ///   many times what is in the file.
    mutating func tensor(_ arguments: ArraySlice<PickleValue>, type: TorchElementType?) throws -> PickleValue? {
        let arguments = Array(arguments)
        guard case .storage(let place) = arguments[0], case .integer(let first?) = arguments[1], first >= 0,
            let shape = try numbers(arguments[2]), let strides = try numbers(arguments[3]), shape.count == strides.count
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
        try count(tensor)
        tensors.append(tensor)
        return .tensor(tensors.count - 1)
    }

    /// Counts what a tensor takes here, and where each tensor is given bytes of its own.
    private mutating func count(_ tensor: PickleSummary.Tensor) throws {
        try keep(Cost.object + 2 * tensor.shape.count)
        guard !tensor.shape.contains(0) else { return }
        let factor = limits.tensorBytesFactor
        let most = max(1 << 20, factor * min(cursor.sourceBytes, .max / factor))
        var bytes = tensor.elementType.byteCount
        for dimension in tensor.shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
            bytes = overflow ? .max : product
        }
        guard bytes <= most - tensorBytes else {
            throw fault(
                .tooLarge,
                "with a tensor of shape \(tensor.shape) the tensors take more than \(factor) times the file"
            )
        }
        tensorBytes += bytes
    }

    /// The devices that hold data, as PyTorch calls them.
    private static let devices = ["cpu", "cuda", "mps", "xpu", "hpu", "npu", "mtia"]

    /// BINPERSID: refers to a storage by `('storage', type, key, location, count)`, in legacy files with a sixth element.
    mutating func pushStorage() throws {
        guard case .tuple(let place) = try pop() else {
            throw fault(.forbiddenCall, "a persistent identifier is no tuple")
        }
        let parts = heap[place]
        try look(at: parts.count)
        guard parts.count == 5 || parts.count == 6 && parts[5] == PickleValue.none, parts[0].isText("storage"),
            case .global(let global) = parts[1], case .storageType(let type) = global.role,
            case .text(let key) = parts[2], key.utf8.count <= 64,
            case .text(let location) = parts[3], location.utf8.count <= 32,
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
        try keep(Cost.object)
        storagePlaces[key] = storages.count
        storages.append(storage)
        try push(.storage(storages.count - 1))
    }

    // MARK: States

    /// BUILD: gives an object attributes. Only an OrderedDict may have them, as PyTorch's state dicts keep `_metadata`; names
    /// that Python itself looks up are refused.
    mutating func build() throws {
        let state = try pop()
        guard case .orderedDictionary(let object) = try top(), case .dictionary(let place) = state else {
            throw fault(.forbiddenCall, "\(try top().kind) is given \(state.kind) as its state")
        }
        let items = heap[place]
        try look(at: items.count)
        try keep(items.count)
        heap.deepen(object, to: try depth(holding: [state]))
        guard !heap.isHeld(object) else { throw fault(.malformed, "an OrderedDict is changed that lies in another") }
        for index in stride(from: 0, to: items.count, by: 2) {
            guard case .text(let name) = items[index], name.utf8.count <= 256, !name.hasPrefix("__"),
                name.utf8.allSatisfy({ $0 < 0x80 })
            else {
                throw fault(.forbiddenCall, "an OrderedDict is given an attribute that it may not have")
            }
        }
    }
}
