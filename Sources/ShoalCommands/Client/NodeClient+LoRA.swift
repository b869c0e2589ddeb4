import NodeAPI

extension NodeClient {
    /// All files of a list, page by page.
    func loras<File>(at path: String, type: String?) async throws -> LoRAListBody<File> {
        var list = LoRAListBody<File>(files: [], next: nil)
        let filter = type.map { "&entity_type=\($0)" } ?? ""
        repeat {
            let after = list.next.map { "&after=\($0)" } ?? ""
            let page: LoRAListBody<File> = try await get("\(path)?limit=1000\(filter)\(after)")
            list.files += page.files
            list.next = page.next
        } while list.next != nil
        return list
    }
}
