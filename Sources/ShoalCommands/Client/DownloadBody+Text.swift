import NodeAPI

extension DownloadBody.Shard {
    /// Where its bytes come from, for people.
    var sourceName: String? {
        switch source {
        case "huggingface": "hub"
        case "mixed": "peers and hub"
        default: source
        }
    }
}

extension DownloadState {
    /// For people.
    var text: String {
        switch word {
        case "awaiting_manifest": "looking at the model"
        default: reason.map { "\(word): \($0)" } ?? word
        }
    }
}
