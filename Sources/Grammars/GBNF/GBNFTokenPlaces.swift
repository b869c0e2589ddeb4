/// Finds tokens that stand where the engine lets a wrong token pass, and throws when it is chosen.
///
/// The engine compares the number of a token also when its first characters were already read as characters: after `"a"`, the rest of
/// the token `ab` passes for `<[7]>` if 7 is its number, and for `!<[8]>`. Taking the token, it finds no way to read it. So a token may
/// follow a character only if it is given by its text, which begins with `<`, and that character is none.
struct GBNFTokenPlaces {
    private let structure: GBNFStructure
    /// Rules that may end in any character, and in `<`.
    private let endsInCharacter: [Bool]
    private let endsInBracket: [Bool]
    /// Rules that may begin with a token of unknown text, and with one given by its text.
    private let beginsUnknown: [Bool]
    private let beginsWithText: [Bool]

    init(_ structure: GBNFStructure) {
        self.structure = structure
        let rules = structure.rules
        endsInCharacter = GBNFTokenPlaces.closure(structure, atEnd: true) { $0.kind == .character }
        endsInBracket = GBNFTokenPlaces.closure(structure, atEnd: true) { GBNFTokenPlaces.isBracket($0, rules) }
        beginsUnknown = GBNFTokenPlaces.closure(structure, atEnd: false, where: GBNFTokenPlaces.isUnknown)
        beginsWithText = GBNFTokenPlaces.closure(structure, atEnd: false, where: GBNFTokenPlaces.isText)
    }

    private static func isBracket(_ item: GBNFItem, _ rules: GBNFRules) -> Bool {
        item.kind == .character && rules.characters[Int(item.value)].contains(0x3C)
    }

    private static func isUnknown(_ item: GBNFItem) -> Bool {
        item.kind == .otherToken || (item.kind == .token && item.value >= 0)
    }

    private static func isText(_ item: GBNFItem) -> Bool { item.kind == .token && item.value < 0 }

    /// Refuses a rule with such a place.
    func check(_ rule: Int) throws(GBNFStructure.Finding) {
        let rules = structure.rules
        // Whether the text up to here may end in a character, and in "<".
        var isAfterCharacter = false
        var isAfterBracket = false
        for position in rules.positions(of: rule) {
            let item = rules.items[position]
            let inner = item.kind == .rule ? Int(item.value) : nil
            if isAfterCharacter, inner.map({ beginsUnknown[$0] }) ?? GBNFTokenPlaces.isUnknown(item) {
                throw GBNFStructure.Finding(
                    code: .unknownToken, offset: Int(item.offset),
                    message: "after a character, a token has to be given by its text, such as </think>, and without !")
            }
            if isAfterBracket, inner.map({ beginsWithText[$0] }) ?? GBNFTokenPlaces.isText(item) {
                throw GBNFStructure.Finding(
                    code: .unknownToken, offset: Int(item.offset),
                    message: "the character before this token can be its beginning; exclude it, as in [^<]")
            }
            let isKept = inner.map { structure.isNullable[$0] } ?? false
            isAfterCharacter =
                (isAfterCharacter && isKept) || (inner.map { endsInCharacter[$0] } ?? (item.kind == .character))
            isAfterBracket =
                (isAfterBracket && isKept)
                || (inner.map { endsInBracket[$0] } ?? GBNFTokenPlaces.isBracket(item, rules))
        }
    }

    /// The rules whose texts may begin, or end, with such an item.
    private static func closure(
        _ structure: GBNFStructure, atEnd: Bool, where isWanted: (GBNFItem) -> Bool
    ) -> [Bool] {
        let rules = structure.rules
        var isIn = [Bool](repeating: false, count: rules.count)
        var uses = [[Int32]](repeating: [], count: rules.count)
        var todo: [Int] = []
        for rule in 0..<rules.count {
            for alternative in rules.alternatives(of: rule) {
                let start = Int(rules.alternatives[alternative])
                var end = start
                while !rules.items[end].isEnd { end += 1 }
                var position = atEnd ? end - 1 : start
                while position >= start, position < end {
                    let item = rules.items[position]
                    if isWanted(item), !isIn[rule] {
                        isIn[rule] = true
                        todo.append(rule)
                    }
                    guard item.kind == .rule else { break }
                    uses[Int(item.value)].append(Int32(rule))
                    guard structure.isNullable[Int(item.value)] else { break }
                    position += atEnd ? -1 : 1
                }
            }
        }
        while let rule = todo.popLast() {
            for use in uses[rule] where !isIn[Int(use)] {
                isIn[Int(use)] = true
                todo.append(Int(use))
            }
        }
        return isIn
    }
}
