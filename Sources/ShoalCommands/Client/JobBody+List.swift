import NodeAPI

extension JobBody: ListRow {
    static let headers = ["JOB", "RESULT", "DATA", "STATE", "DONE", "SINCE", "MESSAGE"]
    static let rightAligned: Set<Int> = [4]

    var listName: String { id }

    var cells: [String] {
        [
            id, outputModel, trainPath, state, "\(Int((progress * 100).rounded(.down))) %",
            String(createdAt.prefix(16)).replacing("T", with: " "),
            message.count > 60 ? String(message.prefix(59)) + "…" : message,
        ]
    }
}
