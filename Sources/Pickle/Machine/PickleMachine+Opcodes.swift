extension PickleMachine {
    /// Carries out one opcode, whose arguments follow at the cursor.
    mutating func carryOut(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .proto: try setProtocol()
        case .frame: try beginFrame()
        case .stop: break

        case .int, .long, .binInt, .binInt1, .binInt2, .long1, .long4: try push(try wholeNumber(opcode))
        case .float: try push(try floatLine())
        case .binFloat:
            try cursor.skip(8)
            try push(.float)
        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))

        case .string: try push(try quotedLine())
        case .unicode: try push(try unicodeLine())
        case .binString, .shortBinString, .binUnicode, .shortBinUnicode, .binUnicode8: try push(try text(opcode))
        case .binBytes: try skipBytes(lengthBytes: 4)
        case .shortBinBytes: try skipBytes(lengthBytes: 1)
        case .binBytes8, .byteArray8: try skipBytes(lengthBytes: 8)

        case .emptyList: try push(.list(try make([])))
        case .list:
            let elements = try popMark()
            try push(.list(try make(try plain(elements))))
        case .append: try appendToList([try pop()])
        case .appends: try appendToList(try popMark())
        case .emptyTuple: try pushTuple([])
        case .tuple: try pushTuple(try popMark())
        case .tuple1: try pushTuple(try popLast(1))
        case .tuple2: try pushTuple(try popLast(2))
        case .tuple3: try pushTuple(try popLast(3))
        case .emptyDict: try push(.dictionary(try make([])))
        case .dict:
            let elements = try popMark()
            try push(.dictionary(try make(try pairs(elements))))
        case .setItem: try setItems(try popLast(2))
        case .setItems: try setItems(try popMark())
        case .emptySet:
            try keep(Cost.object)
            try push(.set)
        case .addItems:
            try check(setElements: try popMark())
            guard try top() == .set else { throw fault(.malformed, "elements are added to \(try top().kind)") }
        case .frozenSet:
            try keep(Cost.object)
            try check(setElements: try popMark())
            try push(.plainObject)

        case .pop: try discard()
        case .dup: try push(try top())
        case .mark: try pushMark()
        case .popMark: _ = try popMark()
        case .get: try recall(try placeLine())
        case .binGet: try recall(try cursor.number(1))
        case .longBinGet: try recall(try cursor.number(4))
        case .put: try remember(at: try placeLine())
        case .binPut: try remember(at: try cursor.number(1))
        case .longBinPut: try remember(at: try cursor.number(4))
        case .memoize: try memoize()

        case .global: try pushNamedGlobal()
        case .stackGlobal: try pushStackGlobal()
        case .reduce: try reduce()
        case .build: try build()
        case .binPersID: try pushStorage()
        case .inst, .obj, .newObj, .newObjEx, .persID, .ext1, .ext2, .ext4, .nextBuffer, .readOnlyBuffer:
            try refuse(opcode)
        }
    }

    private mutating func popLast(_ count: Int) throws -> [PickleValue] {
        var values: [PickleValue] = []
        for _ in 0..<count { values.append(try pop()) }
        return values.reversed()
    }

    // MARK: Numbers

    private mutating func wholeNumber(_ opcode: PickleOpcode) throws -> PickleValue {
        switch opcode {
        case .binInt: return .integer(Int64(Int32(truncatingIfNeeded: try cursor.number(4))))
        case .binInt1: return .integer(Int64(try cursor.number(1)))
        case .binInt2: return .integer(Int64(try cursor.number(2)))
        case .long1: return try longInteger(byteCount: try cursor.number(1))
        case .long4:
            let count = Int32(truncatingIfNeeded: try cursor.number(4))
            guard count >= 0 else { throw fault(.malformed, "a number has the length \(count)") }
            return try longInteger(byteCount: UInt64(count))
        default: return try integerLine(opcode)
        }
    }

    /// A little-endian two's complement number.
    private mutating func longInteger(byteCount: UInt64) throws -> PickleValue {
        guard byteCount <= 16 else {
            try cursor.skip(byteCount)
            return .integer(nil)
        }
        let bytes = try cursor.bytes(byteCount)
        if bytes == PickleValue.magicBytes { return .magic }
        guard bytes.count <= 8 else { return .integer(nil) }
        var number: Int64 = bytes.last.map { $0 < 0x80 ? 0 : -1 } ?? 0
        for byte in bytes.reversed() { number = number << 8 | Int64(byte) }
        return .integer(number)
    }

    /// INT and LONG of protocol 0. Python reads more spellings than it writes, and those not everywhere alike (010 is 8 or 10);
    /// they are not taken.
    private mutating func integerLine(_ opcode: PickleOpcode) throws -> PickleValue {
        var line = try cursor.line(maximumBytes: limits.lineBytes)
        if opcode == .int, line == Array("00".utf8) || line == Array("01".utf8) { return .bool(line[1] == 0x31) }
        if opcode == .long, line.last == UInt8(ascii: "L") { line.removeLast() }
        let digits = line.first == UInt8(ascii: "-") ? line.dropFirst() : line[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw fault(.malformed, "a number is not written in digits")
        }
        guard digits.count == 1 || digits.first != 0x30 else { throw fault(.malformed, "a number begins with 0") }
        return .integer(Int64(String(decoding: line, as: UTF8.self)))
    }

    private mutating func floatLine() throws -> PickleValue {
        let line = try cursor.line(maximumBytes: 64)
        guard Double(String(decoding: line, as: UTF8.self)) != nil else {
            throw fault(.malformed, "a number is not written in digits")
        }
        return .float
    }

    private mutating func placeLine() throws -> UInt64 {
        let line = try cursor.line(maximumBytes: 20)
        guard line.allSatisfy({ (0x30...0x39).contains($0) }), let place = UInt64(String(decoding: line, as: UTF8.self))
        else { throw fault(.malformed, "a memo entry is not written in digits") }
        return place
    }

    // MARK: Texts

    private mutating func text(_ opcode: PickleOpcode) throws -> PickleValue {
        let length: UInt64
        switch opcode {
        case .shortBinString, .shortBinUnicode: length = try cursor.number(1)
        case .binUnicode8: length = try cursor.number(8)
        case .binString:
            let count = Int32(truncatingIfNeeded: try cursor.number(4))
            guard count >= 0 else { throw fault(.malformed, "a text has the length \(count)") }
            length = UInt64(count)
        default: length = try cursor.number(4)
        }
        try checkRemaining(length)
        try checkText(length)
        let bytes = try cursor.bytes(length)
        if let text = String(validating: bytes, as: UTF8.self) { return .text(text) }
        // What Python 2 called a string may hold any bytes; how they are read is up to the reader.
        guard opcode == .binString || opcode == .shortBinString else { throw fault(.malformed, "a text is not UTF-8") }
        return .otherText(length)
    }

    /// STRING of protocol 0: a text in quotes. One with escapes is not looked into.
    private mutating func quotedLine() throws -> PickleValue {
        let line = try cursor.line(maximumBytes: limits.lineBytes)
        try checkText(UInt64(line.count))
        guard line.count >= 2, let quote = line.first, quote == line.last,
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        else { throw fault(.malformed, "a text is not in quotes") }
        let inner = line.dropFirst().dropLast()
        guard inner.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != quote && $0 != UInt8(ascii: "\\") }) else {
            return .otherText(UInt64(line.count))
        }
        return .text(String(decoding: inner, as: UTF8.self))
    }

    /// UNICODE of protocol 0. One with escapes is not looked into.
    private mutating func unicodeLine() throws -> PickleValue {
        let line = try cursor.line(maximumBytes: limits.lineBytes)
        try checkText(UInt64(line.count))
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            return .otherText(UInt64(line.count))
        }
        return .text(String(decoding: line, as: UTF8.self))
    }

    private mutating func skipBytes(lengthBytes: Int) throws {
        let length = try cursor.number(lengthBytes)
        try checkRemaining(length)
        try checkText(length)
        try cursor.skip(length)
        try push(.bytes)
    }

    private func checkRemaining(_ length: UInt64) throws {
        guard length <= cursor.remaining else {
            throw fault(.truncated, "a text claims \(length) bytes where \(cursor.remaining) are left")
        }
    }

    private func checkText(_ length: UInt64) throws {
        guard length <= UInt64(limits.textBytes) else {
            throw fault(.tooLarge, "a text of \(length) bytes lies in the file, where \(limits.textBytes) are allowed")
        }
    }
}

extension PickleValue {
    /// `MAGIC_NUMBER` of `torch/serialization.py`, 0x1950a86a20f9469cfc6c, as LONG1 writes it.
    static let magicBytes: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
}
