import Hub
import Testing

struct NameTests {
    @Test func x() throws { #expect(try HubRepository("a/b").name == "b") }
}
