import Acquisition
import Hub

extension HubRepository {
    /// The repository that a request names.
    ///
    /// - Throws: 400 that names the field.
    init(field: String, _ text: String) throws(APIError) {
        do { self = try HubRepository(text) } catch { throw .badName(error, field: field) }
    }
}

extension ModelOrigin {
    /// The GGUF file that a request names.
    ///
    /// Its path may become part of paths on this disk and of command lines: no part of it is hidden or looks like an option.
    ///
    /// - Throws: 400 that names the field.
    init(fields repository: String, file: String, revision: String?) throws(APIError) {
        let repository = try HubRepository(field: "repo_id", repository)
        let path: HubFilePath
        do { path = try HubFilePath(file) } catch { throw .badName(error, field: "filename") }
        guard path.isGGUF, !path.text.split(separator: "/").contains(where: { ".-".contains($0.prefix(1)) }) else {
            throw .invalidRequest(
                "“\(path.text.prefix(80))” is no GGUF file of a repository", parameter: "filename",
                hint: "Write its path within the repository, ending in .gguf.")
        }
        do { _ = try revision.map { try HubRevision($0) } } catch { throw .badName(error, field: "revision") }
        self.init(repository: repository.description, file: path.text, revision: revision)
    }
}

extension APIError {
    /// 400 for a name that the hub cannot have.
    fileprivate static func badName(_ error: any Error, field: String) -> APIError {
        .invalidRequest((error as? HubError)?.message ?? "\(error)", parameter: field)
    }
}
