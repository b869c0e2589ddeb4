import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension HubClient {
    /// Looks a file up: its commit, state, size, and where its bytes are.
    ///
    /// - Throws: `HubError`; `CancellationError`.
    package func resolve(
        _ repository: HubRepository, _ path: HubFilePath, revision: HubRevision = .main
    ) async throws -> HubFile {
        let file = try await lookUp(repository, path, revision: revision)
        locations.forgetChange(of: file)
        return file
    }

    func lookUp(_ repository: HubRepository, _ path: HubFilePath, revision: HubRevision) async throws -> HubFile {
        let subject = Subject.file(path, repository, revision)
        let place = "/\(repository)/resolve/\(HubEndpoint.encoded(revision.text))/"
        guard let start = URL(string: configuration.endpoint.url(place + HubEndpoint.encoded(path.text, keeping: "/")))
        else {
            throw HubError(.badConfiguration, "\(configuration.endpoint) is no address of a hub; set HF_ENDPOINT")
        }
        return try await retrying("look up \(subject)") {
            var (commit, etag, size): (String?, EntityTag?, UInt64?)
            var url = start
            for _ in 0...HubTransport.maximumRedirects {
                let answer = try await transport.send(.HEAD, url)
                commit = answer.header("x-repo-commit") ?? commit
                etag = (answer.header("x-linked-etag") ?? answer.header("etag")).flatMap(EntityTag.init) ?? etag
                size = answer.header("x-linked-size").flatMap(UInt64.init) ?? size
                if let target = try answer.redirect() {
                    await transport.discard(answer)
                    url = target
                    // A redirect to another host leads to the bytes; what is said about them is said.
                    guard transport.isHub(target) else { break }
                    continue
                }
                guard answer.status == 200 else { throw await refusal(answer, about: subject) }
                size = size ?? answer.header("content-length").flatMap(UInt64.init)
                await transport.discard(answer)
                break
            }
            guard let commit, let revision = try? HubRevision(commit), let etag, let size, size < UInt64(Int64.max)
            else {
                throw HubError(
                    .badAnswer,
                    "\(start.host ?? "the hub") does not say the commit, state and size of \(subject), as the hub does; check HF_ENDPOINT"
                )
            }
            return HubFile(
                repository: repository, path: path, commit: revision, etag: etag.value, sizeBytes: size,
                sha256: SHA256Text.checked(etag.value), location: url.absoluteString)
        }
    }
}
