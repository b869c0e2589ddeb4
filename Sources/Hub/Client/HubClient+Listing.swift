import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension HubClient {
    /// Most characters of a search.
    package static let maximumQueryLength = 256
    /// Most repositories that one search answers.
    package static let maximumHits = 100
    /// Most pages of one listing that are read.
    private static let maximumPages = 200

    /// The repositories with GGUF files whose names match, those with the most downloads first.
    ///
    /// - Parameters:
    ///   - query: words; nothing is asked for, and nothing answered, when there are none.
    ///   - limit: how many to answer, at most ``maximumHits``.
    ///   - sizes: whether to ask for the sizes of the files too, which takes a request for each repository. One that fails leaves
    ///     its sizes open.
    /// - Throws: `HubError`; `CancellationError`.
    package func search(query: String, limit: Int = 20, sizes: Bool = false) async throws -> [HubSearchHit] {
        let words = query.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard words.unicodeScalars.count <= Self.maximumQueryLength else {
            throw HubError(.invalidName, "a search has at most \(Self.maximumQueryLength) characters; use fewer words")
        }
        let limit = min(limit, Self.maximumHits)
        guard !words.isEmpty, limit > 0 else { return [] }
        let start = configuration.endpoint.url(
            "/api/models",
            query: [
                ("search", words), ("filter", "gguf"), ("sort", "downloads"), ("direction", "-1"),
                ("limit", "\(limit)"),
                ("full", "true"),
            ])
        var hits: [HubSearchHit] = []
        try await pages(from: start, about: .search(words), of: ModelAnswer.self) { models in
            hits += models.compactMap { model in
                guard let repository = try? HubRepository(model.id) else { return nil }
                return HubSearchHit(
                    repository: repository, downloads: model.downloads ?? 0, likes: model.likes ?? 0,
                    tags: model.tags ?? [],
                    gate: model.gated?.gate ?? .open, lastModified: model.lastModified,
                    files: model.files.filter { $0.path.isGGUF })
            }
            return hits.count < limit
        }
        hits = Array(hits.prefix(limit))
        return sizes ? try await withSizes(hits) : hits
    }

    /// The files of a repository, sub-folders included. Files whose paths cannot be fetched are left out.
    ///
    /// - Throws: `HubError`; `CancellationError`.
    package func files(of repository: HubRepository, revision: HubRevision = .main) async throws -> [HubListedFile] {
        let path = "/api/models/\(repository)/tree/\(HubEndpoint.encoded(revision.text))"
        var files: [HubListedFile] = []
        try await pages(
            from: configuration.endpoint.url(path, query: [("recursive", "true")]),
            about: .repository(repository, revision),
            of: TreeEntry.self
        ) { entries in
            files += entries.compactMap(\.file)
            return true
        }
        return files
    }

    /// A repository's commit, standing, and files with sizes.
    ///
    /// - Throws: `HubError`; `CancellationError`.
    package func info(of repository: HubRepository, revision: HubRevision = .main) async throws -> HubRepositoryInfo {
        let path = "/api/models/\(repository)/revision/\(HubEndpoint.encoded(revision.text))"
        let model: ModelAnswer = try await json(
            configuration.endpoint.url(path, query: [("blobs", "true")]), about: .repository(repository, revision)
        ).content
        guard let commit = model.sha else {
            throw HubError(.badAnswer, "the hub names no commit of \(repository); check HF_ENDPOINT")
        }
        return HubRepositoryInfo(
            repository: repository, commit: commit, downloads: model.downloads ?? 0, likes: model.likes ?? 0,
            tags: model.tags ?? [], gate: model.gated?.gate ?? .open, isPrivate: model.private ?? false,
            lastModified: model.lastModified, files: model.files)
    }

    /// Reads a list page by page until its end, or until `take` answers false.
    private func pages<Element: Decodable & Sendable>(
        from start: String, about subject: Subject, of: Element.Type, take: ([Element]) -> Bool
    ) async throws {
        var address = start
        for _ in 0..<Self.maximumPages {
            let page: (content: [Lenient<Element>], next: String?) = try await json(address, about: subject)
            guard take(page.content.compactMap(\.element)), let next = page.next else { return }
            address = try continuation(next, about: subject)
        }
        throw HubError(
            .tooLarge, "the list of \(subject) has more than \(Self.maximumPages) pages; name files directly")
    }

    /// The address of the next page on the configured endpoint, whatever host a mirror's answer names: the token stays there.
    private func continuation(_ link: String, about subject: Subject) throws -> String {
        guard let base = URL(string: configuration.endpoint.text + "/"), let url = URL(string: link, relativeTo: base),
            var parts = URLComponents(url: url.absoluteURL, resolvingAgainstBaseURL: true)
        else {
            throw HubError(.badAnswer, "the hub's list of \(subject) goes on at no address; check HF_ENDPOINT")
        }
        parts.scheme = base.scheme
        parts.percentEncodedHost = base.host(percentEncoded: true)
        parts.port = base.port
        parts.user = nil
        parts.password = nil
        guard let address = parts.string else {
            throw HubError(.badAnswer, "the hub's list of \(subject) goes on at no address; check HF_ENDPOINT")
        }
        return address
    }

    /// The same hits with the sizes of their files, asked for a few at a time.
    private func withSizes(_ hits: [HubSearchHit]) async throws -> [HubSearchHit] {
        try await withThrowingTaskGroup(of: (Int, [HubListedFile])?.self) { group in
            var hits = hits
            var waiting = hits.indices.filter { !hits[$0].files.isEmpty }[...]
            func add() {
                guard let number = waiting.popFirst() else { return }
                let repository = hits[number].repository
                group.addTask {
                    do {
                        return (number, try await self.files(of: repository).filter { $0.path.isGGUF })
                    } catch let error as HubError {
                        self.logger.debug("no sizes of \(repository)", metadata: ["error": "\(error)"])
                        return nil
                    }
                }
            }
            for _ in 0..<configuration.connections { add() }
            while let found = try await group.next() {
                if let (number, files) = found { hits[number].files = files }
                add()
            }
            return hits
        }
    }
}
