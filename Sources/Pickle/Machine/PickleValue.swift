/// What is known of a value on the stack of a pickle that nobody builds.
///
/// Containers are places in a `PickleHeap`, so that a list which holds itself is no trouble, nor is one that is nested a million
/// times.
enum PickleValue: Hashable {
    case none
    case bool(Bool)
    /// A whole number; nil where it does not fit 64 bits.
    case integer(Int64?)
    /// The magic number of legacy checkpoints, the one larger number that is looked for.
    case magic
    case float
    /// A text as it stands in the pickle; nil where it is long, has escapes or is not ASCII.
    case text(String?)
    case bytes
    case global(PickleGlobal)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case set
    /// A `collections.OrderedDict`, whose items are those of a dictionary.
    case orderedDictionary(Int)
    /// A storage, by its place in `PickleSummary.storages`.
    case storage(Int)
    /// A tensor, by its place in `PickleSummary.tensors`.
    case tensor(Int)
    /// A shape or a device.
    case plainObject

    /// What the value is, with its article, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a truth value"
        case .integer, .magic: "a whole number"
        case .float: "a number"
        case .text: "a text"
        case .bytes: "a bytes constant"
        case .global(let global): "\(global)"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dict"
        case .set: "a set"
        case .orderedDictionary: "an OrderedDict"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .plainObject: "an object"
        }
    }

    var isHashableKey: Bool {
        switch self {
        case .none, .bool, .integer, .magic, .float, .text, .bytes, .tuple, .plainObject: true
        default: false
        }
    }
}

/// The containers of a pickle: what is in each, in order; dictionaries hold keys and values in turn.
struct PickleHeap {
    private var contents: [[PickleValue]] = []

    mutating func make(_ elements: [PickleValue]) -> Int {
        contents.append(elements)
        return contents.count - 1
    }

    subscript(place: Int) -> [PickleValue] { contents[place] }

    mutating func append(_ elements: some Sequence<PickleValue>, to place: Int) {
        contents[place].append(contentsOf: elements)
    }
}
