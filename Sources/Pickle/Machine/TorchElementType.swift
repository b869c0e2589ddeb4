/// What the elements of a tensor are, by PyTorch's name for them.
package struct TorchElementType: Hashable, Sendable {
    /// As in `torch.float16`.
    package let name: String
    /// Bytes of one element.
    package let byteCount: UInt64

    /// Every type that is read, with its storage class where it has one of its own.
    static let all: [(type: TorchElementType, storage: String?)] = [
        ("float64", 8, "DoubleStorage"), ("float32", 4, "FloatStorage"), ("float16", 2, "HalfStorage"),
        ("bfloat16", 2, "BFloat16Storage"), ("int64", 8, "LongStorage"), ("int32", 4, "IntStorage"),
        ("int16", 2, "ShortStorage"), ("int8", 1, "CharStorage"), ("uint8", 1, "ByteStorage"),
        ("bool", 1, "BoolStorage"),
        ("complex64", 8, "ComplexFloatStorage"), ("complex128", 16, "ComplexDoubleStorage"), ("complex32", 4, nil),
        ("uint16", 2, nil), ("uint32", 4, nil), ("uint64", 8, nil), ("float8_e4m3fn", 1, nil), ("float8_e5m2", 1, nil),
        ("float8_e4m3fnuz", 1, nil), ("float8_e5m2fnuz", 1, nil), ("float8_e8m0fnu", 1, nil),
        ("float4_e2m1fn_x2", 1, nil),
    ].map { (TorchElementType(name: $0, byteCount: $1), $2) }
}
