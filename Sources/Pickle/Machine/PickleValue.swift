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
    /// A text as it stands in the pickle.
    case text(String)
    /// A text of so many bytes in the pickle that is not looked into: it has escapes or is not UTF-8.
    case otherText(UInt64)
    case bytes
    /// Kept apart, so that every other value stays small.
    indirect case global(PickleGlobal)
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
        case .text, .otherText: "a text"
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

    /// Whether it may be a key by itself. Python's hash of what is not on the list can be slow or, of tuples in tuples, use up
    /// the stack.
    var isSimpleKey: Bool {
        switch self {
        case .none, .bool, .integer(_?), .float, .text, .otherText: true
        default: false
        }
    }

    /// Its place in the heap where it is a container.
    var place: Int? {
        switch self {
        case .tuple(let place), .list(let place), .dictionary(let place), .orderedDictionary(let place): place
        default: nil
        }
    }
}
