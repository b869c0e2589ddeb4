import Testing

@testable import Acquisition

@Suite("Room for models")
struct DiskRoomTests {
    @Test(
        "is what is left of both the limit and the disk, less what everything else needs",
        arguments: [
            (100, 30, 1000, 70), (100, 100, 1000, 0), (100, 130, 1000, 0), (1000, 30, 100, 68), (1000, 30, 32, 0),
            (1000, 30, 1, 0), (0, 0, 1000, 0),
        ] as [(UInt64, UInt64, UInt64, UInt64)])
    func room(limit: UInt64, used: UInt64, free: UInt64, room: UInt64) {
        #expect(DiskRoom.bytes(limit: limit << 20, used: used << 20, free: free << 20) == room << 20)
    }
}
