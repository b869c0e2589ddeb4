/// Python's pickle machine with values that are only described.
///
/// It goes through the same opcodes with the same stack, marks and memo as Python does, so that it knows which function every
/// call would call and with what, yet imports, builds and calls nothing. Every function is looked up in `PickleGlobal` at the
/// moment it is named, since naming one already imports its module. Source: `Lib/pickletools.py` and `Modules/_pickle.c` of
/// CPython 3.13.
struct PickleMachine {
    var cursor: PickleCursor
    let limits: PickleLimits
    /// Where the opcode begins that is carried out.
    private(set) var position: UInt64
    private(set) var protocolVersion: UInt8?
    private(set) var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [UInt64: PickleValue] = [:]
    private var frameEnd: UInt64?
    var heap = PickleHeap()
    var globals: Set<PickleGlobal> = []
    var storages: [PickleSummary.Storage] = []
    var storagePlaces: [String: Int] = [:]
    var tensors: [PickleSummary.Tensor] = []
    /// What is used of the limits of the same names.
    var lookedAt = 0
    var keptValues = 0
    /// Bytes of all tensors, where each has its own.
    var tensorBytes: UInt64 = 0
    /// Bytes that were made of texts.
    var encodedBytes: UInt64 = 0
    let start: UInt64

    init(cursor: PickleCursor, limits: PickleLimits) {
        self.cursor = cursor
        self.limits = limits
        self.position = cursor.offset
        self.start = cursor.offset
    }

    /// Goes through the pickle to its STOP.
    /// - Returns: the value that the pickle is.
    mutating func run() throws -> PickleValue {
        for _ in 0..<limits.opcodes {
            position = cursor.offset
            let byte = try cursor.byte()
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw fault(.malformed, "0x\(String(byte, radix: 16)) is no opcode")
            }
            if opcode == .proto, position != start {
                throw fault(.malformed, "PROTO stands inside the pickle")
            }
            if opcode != .stop { try carryOut(opcode) }
            if let frameEnd, cursor.offset > frameEnd {
                throw fault(.malformed, "an opcode reaches over the end of its frame")
            }
            if frameEnd == cursor.offset { frameEnd = nil }
            guard opcode == .stop else { continue }
            guard frameEnd == nil, marks.isEmpty, stack.count == 1 else {
                throw fault(
                    .malformed, "the pickle stops with \(stack.count) values and \(marks.count) marks, or in a frame")
            }
            return try plain(try pop())
        }
        throw fault(.tooLarge, "there are more than \(limits.opcodes) opcodes")
    }

    func fault(_ code: PickleError.Code, _ message: String) -> PickleError {
        PickleError(code, message, at: position)
    }

    // MARK: Stack, marks and memo

    mutating func push(_ value: PickleValue) throws {
        guard stack.count < limits.stackValues else {
            throw fault(.tooLarge, "there are more than \(limits.stackValues) values on the stack")
        }
        stack.append(value)
    }

    /// Takes the uppermost value; one below the last mark is out of reach, as in Python.
    mutating func pop() throws -> PickleValue {
        guard stack.count > marks.last ?? 0 else { throw fault(.malformed, "the stack is empty") }
        return stack.removeLast()
    }

    func top() throws -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw fault(.malformed, "the stack is empty")
        }
        return value
    }

    mutating func pushMark() throws {
        guard marks.count < limits.marks else { throw fault(.tooLarge, "more than \(limits.marks) marks are open") }
        marks.append(stack.count)
    }

    /// Takes the last mark and what lies above it.
    mutating func popMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw fault(.malformed, "there is no mark") }
        defer { stack.removeSubrange(mark...) }
        try look(at: stack.count - mark)
        return Array(stack[mark...])
    }

    /// POP, which takes a mark where one is uppermost.
    mutating func discard() throws {
        if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    }

    /// Remembers the uppermost value. Python's pickler never uses a place twice, so a pickle that does is hiding something.
    mutating func remember(at place: UInt64) throws {
        let value = try top()
        guard place < UInt64(limits.memoEntries) else {
            throw fault(.tooLarge, "the memo's entry \(place) is written where \(limits.memoEntries) are allowed")
        }
        guard memo.updateValue(value, forKey: place) == nil else {
            throw fault(.malformed, "the memo's entry \(place) is written twice")
        }
    }

    mutating func memoize() throws { try remember(at: UInt64(memo.count)) }

    mutating func recall(_ place: UInt64) throws {
        guard let value = memo[place] else { throw fault(.malformed, "the memo has no entry \(place)") }
        try push(value)
    }

    // MARK: The stream

    mutating func setProtocol() throws {
        let version = try cursor.byte()
        guard version <= 5 else { throw fault(.malformed, "protocol \(version) is unknown") }
        protocolVersion = version
    }

    mutating func beginFrame() throws {
        guard frameEnd == nil else { throw fault(.malformed, "a frame begins in another") }
        let length = try cursor.number(8)
        guard length <= cursor.remaining else {
            throw fault(.truncated, "a frame claims \(length) bytes where \(cursor.remaining) are left")
        }
        frameEnd = cursor.offset + length
    }
}
