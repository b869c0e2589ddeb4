import Foundation
import Testing

@testable import Node

@Suite struct StartupPagesTests {
    private static func mapping(_ head: String, anonymous: Int) -> String {
        """
        \(head)
        Size:                 64 kB
        Rss:                  64 kB
        Anonymous:             \(anonymous) kB
        VmFlags: rd mr mw me

        """
    }

    @Test(
        "only clean pages of files without write permission are given back",
        arguments: [
            ("7f0000000000-7f0000010000 r--p 00000000 fe:00 1234   /usr/lib/libx.so", 0, true),
            ("7f0000000000-7f0000010000 r-xp 00000000 fe:00 1234   /usr/lib/lib x.so", 0, true),
            ("7f0000000000-7f0000010000 r--p 00000000 fe:00 1234   /usr/lib/libx.so", 8, false),
            ("7f0000000000-7f0000010000 rw-p 00000000 fe:00 1234   /usr/lib/libx.so", 0, false),
            ("7f0000000000-7f0000010000 r--s 00000000 fe:00 1234   /usr/lib/libx.so", 0, false),
            ("7f0000000000-7f0000010000 r--p 00000000 00:00 0", 0, false),
            ("7f0000000000-7f0000010000 r--p 00000000 00:00 0      [vvar]", 0, false),
            ("7f0000010000-7f0000000000 r--p 00000000 fe:00 1234   /usr/lib/libx.so", 0, false),
            ("nonsense r--p 00000000 fe:00 1234   /usr/lib/libx.so", 0, false),
        ])
    func mappings(head: String, anonymous: Int, isClean: Bool) {
        let expected = [StartupPages.Mapping(start: 0x7f00_0000_0000, end: 0x7f00_0001_0000)]
        #expect(StartupPages.cleanMappings(Self.mapping(head, anonymous: anonymous)) == (isClean ? expected : []))
    }

    @Test("mappings are told apart, and a truncated table is read as far as it goes")
    func several() {
        let clean = Self.mapping("10000-20000 r--p 00000000 fe:00 7   /a", anonymous: 0)
        let written = Self.mapping("30000-40000 rw-p 00000000 fe:00 7   /a", anonymous: 0)
        #expect(StartupPages.cleanMappings(clean + written + clean).count == 2)
        #expect(StartupPages.cleanMappings(String((clean + clean).dropLast(40))).count == 1)
        #expect(StartupPages.cleanMappings("").isEmpty)
    }

    @Test("the program runs on after its pages are gone")
    func release() throws {
        StartupPages.release()
        let text = try JSONEncoder().encode(["a": Date(timeIntervalSince1970: 0).description])
        #expect(try JSONDecoder().decode([String: String].self, from: text)["a"]?.hasPrefix("1970-01-01") == true)
    }
}
