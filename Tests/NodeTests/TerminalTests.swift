import ModelLibrary
import Testing

@testable import ShoalCommands

@Suite struct TerminalTests {
    @Test func `columns are as wide as their widest cell, and figures stand at the right`() {
        let table = Table(
            headers: ["MODEL", "SIZE"], rows: [["a", "1 GB"], ["longer-name", "12 MB"]], rightAligned: [1])
        #expect(table.lines() == ["MODEL         SIZE", "a             1 GB", "longer-name  12 MB"])
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_540_000, "1.54 MB"), (15_400_000, "15.4 MB"),
        (154_000_000, "154 MB"), (999_600_000, "1.00 GB"), (5_000_000_000_000_000, "5000 TB"),
    ])
    func `bytes have three digits and a unit`(count: Int64, text: String) {
        #expect(Figures.bytes(count) == text)
    }

    @Test(arguments: [(Int64(0), "0 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (90061, "1 d 1 h")])
    func `durations have their two largest units`(seconds: Int64, text: String) {
        #expect(Figures.seconds(seconds) == text)
    }

    @Test(arguments: [
        (0.0, 1, "0.0"), (1.25, 1, "1.3"), (-0.04, 1, "0.0"), (-1.5, 1, "-1.5"), (99.996, 2, "100.00"), (7.4, 0, "7"),
    ])
    func `numbers are rounded to their digits`(value: Double, digits: Int, text: String) {
        #expect(Figures.fixed(value, digits: digits) == text)
    }

    @Test func `without a terminal, progress is one line per tenth`() {
        var written: [String] = []
        withProgress(isTerminal: false, collect: { written.append($0) }) { bar in
            for done in 0...1000 { bar.update(done: Int64(done), total: 1000) }
            bar.finish()
        }
        #expect(written.count == 11)
        #expect(written.first == "importing: 0 % (0 B of 1.00 kB)\n")
        #expect(written.last == "importing: 100 % (1.00 kB of 1.00 kB)\n")
    }

    @Test(arguments: [10, 40, 80, 200])
    func `on a terminal, the bar redraws one line that fits`(width: Int) {
        var written: [String] = []
        withProgress(isTerminal: true, width: width, collect: { written.append($0) }) { bar in
            bar.update(done: 500, total: 1000)
            bar.update(done: 1000, total: 1000)
            bar.finish()
        }
        #expect(written.last == "\n")
        for line in written.dropLast() {
            #expect(line.hasPrefix("\r\u{1b}[2K"))
            #expect(line.dropFirst(5).count < width)
            #expect(!line.contains("\n"))
        }
    }

    private func withProgress(
        isTerminal: Bool, width: Int = 80, collect: (String) -> Void, _ body: (inout ProgressBar) -> Void
    ) {
        withoutActuallyEscaping(collect) { collect in
            var bar = ProgressBar("importing", isTerminal: isTerminal, width: width, write: collect)
            body(&bar)
        }
    }
}

@Suite struct ShardSelectionTests {
    @Test(arguments: [
        ("0", [0]), ("0,2-4", [0, 2, 3, 4]), ("4,4,1", [1, 4]), ("2-2", [2]),
    ])
    func `indices and ranges are understood`(text: String, indices: [Int]) throws {
        let selection = try #require(ShardSelection(argument: text))
        #expect(selection.numbers == indices)
        #expect(ShardSelection(argument: selection.description) == selection)
    }

    @Test(arguments: ["", ",", "1,", "a", "-1", "1-", "3-1", "1-2-3", "99999999999999999999", " 1"])
    func `anything else is refused`(text: String) {
        #expect(ShardSelection(argument: text) == nil)
    }

    @Test func `a selection is written as short as possible`() {
        #expect(ShardSelection([5, 0, 2, 3, 4, 7]).description == "0,2-5,7")
        #expect(ShardSelection([]).description == "")
    }
}
