import Pickle
import Testing

/// A pickle that must be refused, and why.
struct HostilePickle: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: PickleError.Code
    let bytes: [UInt8]

    init(_ testDescription: String, _ code: PickleError.Code, _ bytes: [UInt8]) {
        self.testDescription = testDescription
        self.code = code
        self.bytes = bytes
    }

    /// `body` as the value of a key beside a good tensor.
    static func value(_ name: String, _ code: PickleError.Code, _ body: [UInt8]) -> HostilePickle {
        HostilePickle(name, code, P.dictionary(body))
    }

    private static let inner: [UInt8] = P.proto(2) + P.global("os", "system") + P.text("true") + P.tuple1 + P.op("R.")

    static let all: [HostilePickle] = calls + names + memo + opcodes + states + arguments + stream

    /// Functions that run something, in the ways they are called.
    private static let calls: [HostilePickle] =
        [
            ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
            ("builtins", "exec"), ("builtins", "getattr"), ("builtins", "__import__"), ("__builtin__", "eval"),
            ("__builtin__", "getattr"), ("importlib", "import_module"), ("importlib._bootstrap", "_gcd_import"),
            ("operator", "attrgetter"), ("operator", "methodcaller"), ("_operator", "attrgetter"),
            ("functools", "partial"), ("pickle", "loads"), ("_pickle", "loads"), ("torch", "load"),
            ("torch.serialization", "load"), ("torch.storage", "_load_from_bytes"), ("torch.jit", "load"),
            ("torch.hub", "load"), ("torch._utils", "_rebuild_wrapper_subclass"),
            ("torch._tensor", "_rebuild_from_type_v2"),
            ("torch._utils", "_rebuild_parameter_with_state"), ("numpy", "load"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("codecs", "decode"), ("_codecs", "decode"), ("runpy", "_run_code"), ("pip", "main"),
            ("copyreg", "_reconstructor"),
            ("types", "CodeType"), ("webbrowser", "open"), ("torch", "Storage"), ("torch", "nn"),
            ("collections", "Counter"),
            ("builtins", "set"), ("builtins", "bytearray"), ("ctypes", "CDLL"),
        ].map { module, name in
            .value(
                "calls \(module).\(name)", .forbiddenGlobal,
                P.global(module, name) + P.text("true") + P.tuple1 + P.op("R"))
        } + [
            .value("only names os.system", .forbiddenGlobal, P.global("os", "system")),
            .value("names os.system and drops it", .forbiddenGlobal, P.op("N") + P.global("os", "system") + P.op("0")),
            .value(
                "pickle.loads of a nested pickle", .forbiddenGlobal,
                P.global("pickle", "loads") + P.bytes(inner) + P.tuple1 + P.op("R")),
            .value(
                "a nested pickle made of text", .forbiddenGlobal,
                P.global("pickle", "loads") + P.global("_codecs", "encode")
                    + P.text(String(decoding: inner, as: UTF8.self))
                    + P.text("latin1") + P.tuple2 + P.op("R") + P.tuple1 + P.op("R")),
            .value(
                "calls through OBJ", .forbiddenGlobal, P.op("(") + P.global("os", "system") + P.text("true") + P.op("o")
            ),
            .value("calls through INST", .forbiddenGlobal, P.op("(") + P.text("true") + P.op("ios\nsystem\n")),
            .value(
                "makes an object with NEWOBJ", .forbiddenGlobal, P.global("os", "system") + P.op(")") + [0x81]),
        ]

    /// Names that are not what they seem.
    private static let names: [HostilePickle] = [
        .value(
            "a dotted name", .forbiddenGlobal,
            P.short("torch._utils") + P.short("_rebuild_tensor_v2.__globals__") + P.stackGlobal),
        .value("a dotted name through GLOBAL", .forbiddenGlobal, P.global("collections", "OrderedDict.update")),
        .value("a dotted module", .forbiddenGlobal, P.global("collections.abc", "OrderedDict")),
        .value("a NUL in the module", .malformed, P.global("collections\0", "OrderedDict")),
        .value("a carriage return", .malformed, P.global("collections\r", "OrderedDict\r")),
        .value("a space", .malformed, P.global(" collections", "OrderedDict")),
        .value("an empty module", .malformed, P.global("", "OrderedDict")),
        .value(
            "a line break in a text name", .malformed, P.short("collections\n") + P.short("OrderedDict") + P.stackGlobal
        ),
        .value("a NUL in a text name", .malformed, P.short("collections") + P.short("OrderedDict\0") + P.stackGlobal),
        .value("a Cyrillic letter", .forbiddenGlobal, P.global("c\u{43E}llections", "OrderedDict")),
        .value("letters of full width", .forbiddenGlobal, P.global("collections", "\u{FF2F}rderedDict")),
        .value("a combining mark", .forbiddenGlobal, P.global("torch", "float\u{301}32")),
        .value("other case", .forbiddenGlobal, P.global("Collections", "OrderedDict")),
        .value("bytes that are no UTF-8", .malformed, [0x63, 0xC3, 0x28, 0x0A, 0x78, 0x0A]),
        .value(
            "a name joined by an escape", .forbiddenGlobal, P.op("Vcollections\nVOrdered\\u0044ict\n") + P.stackGlobal),
        .value("a name in quotes with an escape", .forbiddenGlobal, P.op("S'os'\nS'sys\\x74em'\n") + P.stackGlobal),
        .value("a name in quotes", .forbiddenGlobal, P.op("S'os'\nS'system'\n") + P.stackGlobal),
        .value("a name of bytes", .forbiddenGlobal, P.bytes(Array("os".utf8)) + P.short("system") + P.stackGlobal),
        .value(
            "a name that a call makes", .forbiddenGlobal,
            P.global("_codecs", "encode") + P.text("os") + P.text("latin1") + P.tuple2 + P.op("R") + P.short("system")
                + P.stackGlobal),
        .value("a name that is a number", .forbiddenGlobal, P.int(1) + P.int(2) + P.stackGlobal),
        .value("a very long name", .tooLarge, P.global(String(repeating: "a", count: 100_000), "b")),
        .value(
            "a name too long to look into", .tooLarge,
            P.text("collections" + String(repeating: " ", count: 9000)) + P.short("OrderedDict") + P.stackGlobal),
    ]

    /// Tricks with the memo.
    private static let memo: [HostilePickle] = [
        .value(
            "a name overwritten in the memo", .malformed,
            P.short("collections") + P.put(7) + P.op("0") + P.short("os") + P.put(7) + P.op("0") + P.get(7)
                + P.short("OrderedDict") + P.stackGlobal),
        .value(
            "a name overwritten by MEMOIZE", .malformed,
            P.short("collections") + P.put(1) + P.op("0") + P.short("os") + P.memoize),
        .value(
            "the bad name from the memo", .forbiddenGlobal,
            P.short("os") + P.put(7) + P.op("0") + P.short("system") + P.put(8) + P.op("0") + P.get(7) + P.get(8)
                + P.stackGlobal),
        .value("an entry that is not there", .malformed, P.get(9)),
        .value("an entry of -1", .malformed, P.op("g-1\n")),
        .value("an entry in words", .malformed, P.op("N") + P.op("pone\n")),
        .value("remembering an empty stack", .malformed, P.op("(") + P.put(1)),
        .value(
            "a function remembered and called", .forbiddenCall,
            P.global("_codecs", "encode") + P.put(3) + P.op("0") + P.get(3) + P.bytes(inner) + P.text("latin1")
                + P.tuple2
                + P.op("R")),
    ]

    /// Opcodes that no checkpoint has.
    private static let opcodes: [HostilePickle] = [
        .value("EXT1", .forbiddenOpcode, [0x82, 1]), .value("EXT2", .forbiddenOpcode, [0x83, 1, 0]),
        .value("EXT4", .forbiddenOpcode, [0x84, 1, 0, 0, 0]),
        .value(
            "OBJ of a listed class", .forbiddenOpcode, P.op("(") + P.global("collections", "OrderedDict") + P.op("o")),
        .value("INST of a listed class", .forbiddenOpcode, P.op("(icollections\nOrderedDict\n")),
        .value(
            "NEWOBJ of a listed class", .forbiddenOpcode, P.global("collections", "OrderedDict") + P.op(")") + [0x81]),
        .value("NEWOBJ_EX of a listed class", .forbiddenOpcode, P.global("torch", "Size") + P.op(")}") + [0x92]),
        .value("a persistent identifier as text", .forbiddenOpcode, P.op("Pmodule\n")),
        .value("an out-of-band buffer", .forbiddenOpcode, [0x97]),
        .value("a read-only buffer", .forbiddenOpcode, P.op("N") + [0x98]),
        .value("0xFF", .malformed, [0xFF]), .value("a second PROTO", .malformed, P.proto(2) + P.op("N")),
    ]

    /// States.
    private static let states: [HostilePickle] = [
        .value("__setstate__ in a state", .forbiddenCall, P.hooks + P.op("}") + P.text("__setstate__") + P.op("Nsb")),
        .value("__reduce__ in a state", .forbiddenCall, P.hooks + P.op("}") + P.text("__reduce__") + P.op("NsbN0")),
        .value("__class__ in a state", .forbiddenCall, P.hooks + P.op("}") + P.text("__class__") + P.op("Nsb")),
        .value(
            "a function in a state", .forbiddenCall,
            P.hooks + P.op("}") + P.text("items") + P.global("_codecs", "encode") + P.op("sb")),
        .value("slots in a state", .forbiddenCall, P.hooks + P.op("N}") + P.tuple2 + P.op("b")),
        .value("a state for a function", .forbiddenCall, P.global("torch._utils", "_rebuild_tensor_v2") + P.op("}b")),
        .value("a state for a class", .forbiddenCall, P.global("collections", "OrderedDict") + P.op("}b")),
        .value("a state for a dictionary", .forbiddenCall, P.op("}}b")),
        .value("a state for a tensor", .forbiddenCall, P.tensor() + P.op("}b")),
        .value("a number as an attribute's name", .forbiddenCall, P.hooks + P.op("}") + P.int(1) + P.op("Nsb")),
    ]

    /// Listed functions with what they are never given.
    private static let arguments: [HostilePickle] = [
        .value(
            "bytes decoded otherwise", .forbiddenCall,
            P.global("_codecs", "encode") + P.text("a") + P.text("zip") + P.tuple2 + P.op("R")),
        .value(
            "encode with one argument", .forbiddenCall,
            P.global("_codecs", "encode") + P.text("a") + P.tuple1 + P.op("R")),
        .value("a call of a text", .forbiddenCall, P.text("a") + P.op(")R")),
        .value("a call of a tensor", .forbiddenCall, P.tensor() + P.op(")R")),
        .value("a call with a list", .forbiddenCall, P.global("collections", "OrderedDict") + P.op("]R")),
        .value(
            "a storage class called", .forbiddenCall,
            P.global("torch", "FloatStorage") + P.int(9) + P.tuple1 + P.op("R")),
        .value("an element type called", .forbiddenCall, P.global("torch", "float32") + P.op(")R")),
        .value("a function as a value", .forbiddenCall, P.global("torch._utils", "_rebuild_tensor_v2")),
        .value("a function in a list", .forbiddenCall, P.op("]") + P.global("_codecs", "encode") + P.op("a")),
        .value("a function in a tuple", .forbiddenCall, P.global("_codecs", "encode") + P.tuple1),
        .value(
            "an OrderedDict of a text", .forbiddenCall,
            P.global("collections", "OrderedDict") + P.text("ab") + P.tuple1 + P.op("R")),
        .value("a tensor out of its storage", .badStorage, P.tensor(shape: [2, 4], strides: [4, 1])),
        .value("a tensor that begins past its storage", .badStorage, P.tensor(offset: 6, shape: [1], strides: [1])),
        .value("more strides than sides", .forbiddenCall, P.tensor(shape: [2, 3], strides: [1])),
        .value(
            "a tensor of no storage", .forbiddenCall,
            P.global("torch._utils", "_rebuild_tensor_v2") + P.op("(N") + P.int(0) + P.op("))") + P.no + P.hooks
                + P.op("tR")),
        .value("a storage of two sizes", .badStorage, P.storage(count: 7)),
        .value(
            "a storage on no device", .unsupported,
            P.op("(") + P.text("storage") + P.global("torch", "FloatStorage") + P.text("1") + P.text("cpv") + P.int(1)
                + P.op("tQ")),
        .value("a storage of two types", .badStorage, P.storage(type: "IntStorage")),
        .value(
            "a module as persistent identifier", .forbiddenCall,
            P.op("(") + P.text("module") + P.global("collections", "OrderedDict") + P.op("NNtQ")),
        .value("a text as persistent identifier", .forbiddenCall, P.text("module") + P.op("Q")),
        .value(
            "a storage of a text as its class", .forbiddenCall,
            P.op("(") + P.text("storage") + P.text("torch.FloatStorage") + P.text("1") + P.text("cpu") + P.int(1)
                + P.op("tQ")),
    ]

    /// Pickles that break off or do not add up: what came before counts all the same.
    private static let stream: [HostilePickle] = [
        HostilePickle(
            "a payload before an empty stack", .forbiddenGlobal,
            P.proto(2) + P.global("os", "system") + P.text("true") + P.tuple1 + P.op("R0000.")),
        HostilePickle(
            "a payload and nothing more", .forbiddenGlobal,
            P.global("os", "system") + P.text("true") + P.tuple1 + P.op("R")),
        HostilePickle("no STOP", .truncated, P.proto(2) + P.op("}")),
        HostilePickle("nothing", .truncated, []),
        HostilePickle("STOP on an empty stack", .malformed, P.proto(2) + P.stop),
        HostilePickle("STOP with two values", .malformed, P.proto(2) + P.op("NN.")),
        HostilePickle("STOP with a mark", .malformed, P.proto(2) + P.op("(N.")),
        HostilePickle("a pop below a mark", .malformed, P.proto(2) + P.op("N(]0a.")),
        HostilePickle("protocol 6", .malformed, P.proto(6) + P.op("N.")),
        HostilePickle(
            "a text longer than the file", .truncated, P.proto(2) + [0x58, 0xFF, 0xFF, 0xFF, 0x7F] + P.op("N.")),
        HostilePickle("bytes of 2⁶⁴ − 1", .truncated, P.proto(4) + [0x8E] + [UInt8](repeating: 0xFF, count: 8)),
        HostilePickle("a negative length", .malformed, P.proto(2) + [0x8B, 0xFF, 0xFF, 0xFF, 0xFF] + P.op(".")),
        HostilePickle(
            "a frame longer than the file", .truncated, P.proto(4) + [0x95, 9, 0, 0, 0, 0, 0, 0, 0] + P.op("N.")),
        HostilePickle(
            "a frame that ends in an opcode", .malformed,
            P.proto(4) + [0x95, 1, 0, 0, 0, 0, 0, 0, 0] + P.int(1) + P.stop),
        HostilePickle(
            "a frame in a frame", .malformed,
            P.proto(4) + [0x95, 11, 0, 0, 0, 0, 0, 0, 0, 0x95, 2, 0, 0, 0, 0, 0, 0, 0] + P.op("N.")),
        HostilePickle("a dictionary as a key", .malformed, P.proto(2) + P.op("}}Ns.")),
        HostilePickle("a key without a value", .malformed, P.proto(2) + P.op("}(Nu.")),
        HostilePickle("a thousand open marks", .tooLarge, P.proto(2) + [UInt8](repeating: 0x28, count: 1000)),
        HostilePickle("truth spelled as hexadecimal", .malformed, P.op("I0x10\n.")),
        HostilePickle("a number with an underscore", .malformed, P.op("I1_0\n.")),
        HostilePickle("a text without quotes", .malformed, P.op("Sos\n.")),
        HostilePickle("a text in protocol 0 called", .forbiddenGlobal, P.op("cos\nsystem\n(S'true'\ntR.")),
        HostilePickle("a function in protocol 0", .forbiddenGlobal, P.op("c__builtin__\neval\n(V1\ntR.")),
    ]
}
