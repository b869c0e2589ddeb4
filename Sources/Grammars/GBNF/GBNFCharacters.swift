/// The Unicode scalars that one element of a grammar matches. NUL is never among them: no token holds it.
struct GBNFCharacters {
    /// In order, apart from each other.
    let ranges: [ClosedRange<UInt32>]
    /// Elements that the engine keeps for it and looks through for every candidate token.
    let elementCount: Int

    /// Any character.
    static let any = GBNFCharacters(excluding: [], elementCount: 1)

    /// All values that a Unicode scalar other than NUL has.
    private static let scalars: [ClosedRange<UInt32>] = [1...0xD7FF, 0xE000...0x10FFFF]

    /// The characters in the ranges, which may overlap and may reach beyond Unicode.
    init(_ ranges: [ClosedRange<UInt32>], elementCount: Int) {
        self.init(merged: GBNFCharacters.merged(ranges), elementCount: elementCount)
    }

    /// The characters outside the ranges.
    init(excluding ranges: [ClosedRange<UInt32>], elementCount: Int) {
        var rest: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        var isFull = false
        for range in GBNFCharacters.merged(ranges) {
            if next < range.lowerBound { rest.append(next...(range.lowerBound - 1)) }
            if range.upperBound == .max {
                isFull = true
                break
            }
            next = range.upperBound + 1
        }
        if !isFull { rest.append(next...UInt32.max) }
        self.init(merged: rest, elementCount: elementCount)
    }

    private init(merged: [ClosedRange<UInt32>], elementCount: Int) {
        var ranges: [ClosedRange<UInt32>] = []
        for part in GBNFCharacters.scalars {
            for range in merged where range.overlaps(part) { ranges.append(range.clamped(to: part)) }
        }
        self.ranges = ranges
        self.elementCount = elementCount
    }

    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= scalar
    }
}
