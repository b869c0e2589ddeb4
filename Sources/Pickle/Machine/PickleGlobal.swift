/// A function or class that a pickle names.
package struct PickleGlobal: Hashable, Sendable, CustomStringConvertible {
    package let module: String
    package let name: String
    /// What it does for a checkpoint.
    let role: Role

    package var description: String { "\(module).\(name)" }

    /// What each function and class on the list does.
    enum Role: Hashable, Sendable {
        case orderedDictionary
        /// `_rebuild_tensor(storage, offset, size, stride)`
        case rebuildTensor
        /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])`
        case rebuildTensor2
        /// `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])`
        case rebuildTensor3
        /// `_rebuild_parameter(tensor, requires_grad, hooks)`
        case rebuildParameter
        case size
        case device
        /// `_codecs.encode(text, 'latin1')`, the way protocol 2 writes bytes
        case latin1Bytes
        /// A storage class, by what its elements are.
        case storageType(TorchElementType)
        case elementType(TorchElementType)
    }

    /// The listed function or class of this name; nil for every other.
    ///
    /// Names are compared byte by byte: Swift's own comparison takes texts as equal that Python keeps apart.
    init?(module: [UInt8], name: [UInt8]) {
        guard module.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), name.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        let module = String(decoding: module, as: UTF8.self)
        let name = String(decoding: name, as: UTF8.self)
        guard let role = Self.list["\(module) \(name)"] else { return nil }
        self.module = module
        self.name = name
        self.role = role
    }

    /// Whether these bytes could name anything at all, on the list or not.
    static func couldBe(module: [UInt8], name: [UInt8]) -> Bool {
        !module.isEmpty && !name.isEmpty && (module + name).allSatisfy { $0 > 0x20 && $0 != 0x7F }
            && String(validating: module + name, as: UTF8.self) != nil
    }

    /// What may be named in a checkpoint, and nothing else: what rebuilds plain tensors, from the list in PyTorch's own
    /// `torch/_weights_only_unpickler.py` (2.13). Left out of that list is what takes functions or other objects as arguments
    /// (`_rebuild_from_type_v2`, `_rebuild_wrapper_subclass`), what sets attributes (`_rebuild_parameter_with_state`), and what
    /// plain weights never use (sparse, quantized and nested tensors, sets, counters, byte arrays). NumPy's functions are not
    /// on PyTorch's list either.
    private static let list: [String: Role] = {
        var list: [String: Role] = [
            "collections OrderedDict": .orderedDictionary,
            "torch._utils _rebuild_tensor": .rebuildTensor,
            "torch._utils _rebuild_tensor_v2": .rebuildTensor2,
            "torch._utils _rebuild_tensor_v3": .rebuildTensor3,
            "torch._utils _rebuild_parameter": .rebuildParameter,
            "torch Size": .size,
            "torch device": .device,
            "_codecs encode": .latin1Bytes,
            "torch.storage UntypedStorage": .storageType(TorchElementType(name: "uint8", byteCount: 1)),
        ]
        for (type, storage) in TorchElementType.all {
            list["torch \(type.name)"] = .elementType(type)
            if let storage { list["torch \(storage)"] = .storageType(type) }
        }
        return list
    }()
}
