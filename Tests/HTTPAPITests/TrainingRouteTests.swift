import Files
import FoundationEssentials
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Accounts
@testable import HTTPAPI
@testable import Jobs

struct TrainingRouteTests {
    /// What reached the training service.
    final class Asked: Sendable {
        private let state = Mutex<[(request: TrainingRequest, owner: JobOwner, key: String?)]>([])
        var all: [(request: TrainingRequest, owner: JobOwner, key: String?)] { state.withLock { $0 } }
        func add(_ request: TrainingRequest, _ owner: JobOwner, _ key: IdempotencyKey?) {
            state.withLock { $0.append((request, owner, key?.rawValue)) }
        }
    }

    static func job(
        _ request: TrainingRequest, _ state: TrainingJob.State, _ message: String = "", tokens: Int64 = 0,
        output: String? = nil
    ) -> TrainingJob {
        let date = Date(timeIntervalSince1970: 1_700_000_000)
        return TrainingJob(
            id: .random(), user: nil, request: request, state: state, progress: 0.25, message: message, created: date,
            started: state == .queued ? nil : date, ended: state.hasEnded ? date : nil,
            tokens: TokenAmount(stored: tokens), reservation: nil, outputFolder: output)
    }

    /// A node on which a training is taken, and then is in another state.
    static func node(
        ending state: TrainingJob.State, _ message: String = "", tokens: Int64 = 0, asked: Asked = Asked(),
        wait: @escaping @Sendable () async throws -> Void = {}
    ) -> ScriptedNode {
        var node = ScriptedNode()
        let current = CurrentJob()
        node.services.training.submit = { request, owner, key, _ in
            asked.add(request, owner, key)
            let job = job(request, .queued, tokens: tokens)
            current.set(job)
            return job
        }
        node.services.training.wait = { id, _ in
            try await wait()
            return try current.ended(state, message)
        }
        node.services.training.job = { _, _ in try current.ended(.running, "epoch 1") }
        return node
    }

    final class CurrentJob: Sendable {
        private let state = Mutex<TrainingJob?>(nil)
        func set(_ job: TrainingJob) { state.withLock { $0 = job } }
        func ended(_ end: TrainingJob.State, _ message: String) throws -> TrainingJob {
            var job = try #require(state.withLock { $0 })
            job.state = end
            job.message = message
            return job
        }
    }

    @Test("the answer to a training that succeeds is the documented one")
    func success() async throws {
        let asked = Asked()
        try await Self.node(ending: .succeeded, asked: asked).serve { client in
            let answer = try await client.send(
                .post, "/admin/api/train",
                ["output_model": "MyModel", "description": "Custom trained model", "train_path": "/path/to/data"],
                headers: [.idempotencyKey: "once"])
            #expect(answer.status == 200)
            #expect(
                try JSONValue(parsing: answer.text)
                    == ["message": "Training completed", "tokens_used": 0, "remaining_tokens": 0])
            #expect(answer.headers[.location]?.hasPrefix("/admin/api/jobs/") == true)
            try await client.expect(200, .post, "/admin/api/train", ["train_path": "x", "output_model": nil])
        }
        let first = try #require(asked.all.first)
        #expect(first.owner == .nodeKey && first.key == "once")
        #expect(
            try first.request
                == TrainingRequest(outputModel: "MyModel", description: "Custom trained model", path: "/path/to/data"))
        #expect(asked.all.last?.request.outputModel == "MyCustomModel")
        #expect(asked.all.last?.key == nil)
    }

    @Test(
        "a training that ends otherwise says so in words of the node's own, where to read more, and that its tokens are back",
        arguments: [
            (.failed, 422, "the training failed, JOB/log may say why"), (.cancelled, 409, "the training was cancelled"),
        ] as [(TrainingJob.State, Int, String)], [0, 100] as [Int64])
    func otherEnds(_ end: (state: TrainingJob.State, status: Int, sentence: String), tokens: Int64) async throws {
        try await Self.node(ending: end.state, "status 3: key=secret", tokens: tokens).serve { client in
            let answer = try await client.send(.post, "/admin/api/train", ["train_path": "x"])
            #expect(answer.status == end.status)
            let location = try #require(answer.headers[.location])
            #expect(location.hasPrefix("/admin/api/jobs/"))
            let back = tokens > 0 ? "; 100 tokens were given back" : ""
            let sentence = end.sentence.replacing("JOB", with: location) + back
            #expect(try JSONValue(parsing: answer.text) == ["error": .string(sentence)])
        }
    }

    @Test(
        "a client that prefers not to wait gets the job",
        arguments: ["respond-async", "Respond-Async", "foo, respond-async;x=1", "respond-async, wait=0"])
    func async(preference: String) async throws {
        let node = Self.node(ending: .succeeded) {
            Issue.record("nobody waits")
        }
        try await node.serve { client in
            let answer = try await client.send(
                .post, "/admin/api/train", ["train_path": "x"], headers: [.prefer: preference])
            #expect(answer.status == 202)
            #expect(answer.headers[.preferenceApplied] == "respond-async")
            let job = try JSONValue(parsing: answer.text)
            #expect(job["state"]?.string == "queued")
            #expect(answer.headers[.location] == "/admin/api/jobs/\(job["id"]?.string ?? "")")
        }
    }

    @Test(
        "who waits for longer than they want, or the node lets them, gets the job as it is",
        arguments: [("wait=7", 7), (nil, 40), ("wait=99", 99)] as [(String?, Int)])
    func timeUp(preference: String?, seconds: Int) async throws {
        // The training goes on until nobody waits any more, and time passes at once.
        var node = Self.node(ending: .succeeded) {
            for await _ in AsyncStream.makeStream(of: Never.self).stream {}
            try Task.checkCancellation()
        }
        let slept = Recorded()
        node.services.training.sleep = { slept.add("\($0)") }
        node.configuration.requestTimeout = .seconds(40)
        try await node.serve { client in
            let answer = try await client.send(
                .post, "/admin/api/train", ["train_path": "x"], headers: preference.map { [.prefer: $0] } ?? [:])
            #expect(answer.status == 202)
            #expect(answer.headers[.preferenceApplied] == nil)
            #expect(try JSONValue(parsing: answer.text)["message"]?.string == "epoch 1")
        }
        #expect(slept.all == ["\(Duration.seconds(seconds))"])
    }

    @Test("a body that asks for what cannot be is refused, with the field")
    func badBodies() async throws {
        let asked = Asked()
        let bodies: [(JSONValue, String)] = [
            ([:], "train_path"), (["train_path": ""], "train_path"), (["train_path": 3], "train_path"),
            (["train_path": nil], "train_path"), (["train_path": "x", "output_model": ""], "output_model"),
            (["train_path": "x", "output_model": "../x"], "output_model"),
            (["train_path": "x", "output_model": ".x"], "output_model"),
            (["train_path": "x", "output_model": "a b"], "output_model"),
            (["train_path": "x", "output_model": .string(String(repeating: "a", count: 129))], "output_model"),
            (["train_path": "x", "description": "a\u{0}b"], "description"),
            (["train_path": "x", "description": .string(String(repeating: "é", count: 4097))], "description"),
            (["train_path": "x", "description": []], "description"), (["train_path": "x", "epochs": 3], "epochs"),
            ([], "JSON object"), ("x", "JSON object"),
        ]
        try await Self.node(ending: .succeeded, asked: asked).serve { client in
            for (body, field) in bodies {
                let answer = try await client.send(.post, "/admin/api/train", body)
                #expect(answer.status == 400 && answer.text.contains(field), "\(body): \(answer.text)")
            }
            for key in ["", "with space", "é", String(repeating: "k", count: 201)] {
                try await client.expect(
                    400, .post, "/admin/api/train", ["train_path": "x"], headers: [.idempotencyKey: key])
            }
        }
        #expect(asked.all.isEmpty)
    }

    @Test("each fault has the status that clients know what to do about")
    func faults() async throws {
        let faults: [(any Error, Int)] = [
            (JobError(.notConfigured, "set training.command"), 503), (JobError(.stopping, "stopping"), 503),
            (JobError(.queueFull, "full", retryAfter: .seconds(30)), 429), (JobError(.keyReused, "used"), 409),
            (JobError(.storage, "inside"), 500), (AccountError(.insufficientTokens, "not enough"), 402),
            (FileError(.badPath, "bad"), 400), (FileError(.notAFolder, "a file"), 400),
            (FileError(.notFound, "nothing"), 404), (FileError(.outside, "outside"), 403),
            (FileError(.hidden, "hidden"), 403), (FileError(.noRoot, "no root"), 503),
            (FileError(.fileSystem, "inside"), 500),
        ]
        for (fault, status) in faults {
            var node = ScriptedNode()
            node.services.training.submit = { _, _, _, _ in throw fault }
            node.services.files.list = { _, _, _ in throw fault }
            try await node.serve { client in
                let answer = try await client.send(.post, "/admin/api/train", ["train_path": "x"])
                #expect(answer.status == status, "\(fault)")
                #expect(answer.headers[.retryAfter] == (status == 429 ? "30" : nil))
                #expect(answer.text.contains("inside") == false)
                try await client.expect(status, .get, "/admin/api/browse")
            }
        }
    }

    @Test("jobs are listed, shown, cancelled, and their logs read")
    func jobs() async throws {
        var node = ScriptedNode()
        let request = try TrainingRequest(outputModel: nil, description: nil, path: "/x")
        let running = Self.job(request, .running, "epoch 1")
        let done = Self.job(request, .succeeded, tokens: 100, output: "/data/training/output/1")
        let recorded = Recorded()
        node.services.training.jobs = { _, after, limit in
            recorded.add("\(after?.description ?? "-") \(limit.rawValue)")
            return JobPage(jobs: [running, done], next: done.id)
        }
        node.services.training.job = { id, _ in
            guard id == running.id else { throw JobError(.notFound, "there is no job \(id)") }
            return running
        }
        node.services.training.cancel = { id, _, _ in
            guard id == running.id else { throw JobError(.ended, "the job \(id) has ended") }
            return Self.job(request, .cancelled)
        }
        node.services.training.log = { _, _ in Array("one\ntwo \u{FFFD}\n".utf8) }
        try await node.serve { client in
            let list = try JSONValue(parsing: try await client.send(.get, "/admin/api/jobs").text)
            #expect(list["jobs"]?.array?.count == 2 && list["next"]?.string == done.id.description)
            #expect(list["jobs"]?.array?.last?["tokens_used"] == 100)
            #expect(list["jobs"]?.array?.last?["output_dir"]?.string == done.outputFolder)
            #expect(list["jobs"]?.array?.first?["output_dir"] == .null)
            try await client.expect(200, .get, "/admin/api/jobs?limit=7&after=\(done.id)")
            for query in ["limit=0", "limit=1001", "limit=x", "after=x", "after=", "other=1"] {
                try await client.expect(400, .get, "/admin/api/jobs?\(query)")
            }
            let shown = try JSONValue(parsing: try await client.send(.get, "/admin/api/jobs/\(running.id)").text)
            #expect(shown["progress"] == .number(0.25) && shown["finished_at"] == .null)
            try await client.expect(200, .post, "/admin/api/jobs/\(running.id)/cancel")
            try await client.expect(409, .post, "/admin/api/jobs/\(done.id)/cancel")
            let log = try await client.send(.get, "/admin/api/jobs/\(running.id)/log")
            #expect(log.status == 200 && log.text == "one\ntwo \u{FFFD}\n")
            for id in ["x", "..", String(repeating: "0", count: 25), "\(done.id)".uppercased() + "G"] {
                try await client.expect(404, .get, "/admin/api/jobs/\(id)")
                try await client.expect(404, .post, "/admin/api/jobs/\(id)/cancel")
                try await client.expect(404, .get, "/admin/api/jobs/\(id)/log")
            }
        }
        #expect(recorded.all == ["- 100", "\(done.id) 7"])
    }

    final class Recorded: Sendable {
        private let state = Mutex<[String]>([])
        var all: [String] { state.withLock { $0 } }
        func add(_ text: String) { state.withLock { $0.append(text) } }
    }

    @Test("a folder is answered as documented, with where to go on only when asked or needed")
    func browse() async throws {
        var node = ScriptedNode()
        let recorded = Recorded()
        node.services.files.list = { path, after, limit in
            recorded.add("\(path)|\(after ?? "-")|\(limit)")
            return FilePage(
                path: "/some/path",
                items: [FileItem(name: "file.txt", path: "/some/path/file.txt", isFolder: false, sizeBytes: 1024)],
                next: path == "much" ? "file.txt" : nil)
        }
        let item: JSONValue = ["name": "file.txt", "path": "/some/path/file.txt", "is_dir": false, "size": 1024]
        try await node.serve { client in
            let plain = try await client.send(.get, "/admin/api/browse?path=/some/path")
            #expect(try JSONValue(parsing: plain.text) == ["current_path": "/some/path", "items": [item]])
            let paged = try await client.send(.get, "/admin/api/browse?path=a%2Fb+c&limit=5&after=x%0Ay")
            #expect(
                try JSONValue(parsing: paged.text) == ["current_path": "/some/path", "items": [item], "next": nil])
            let much = try await client.send(.get, "/admin/api/browse?path=much")
            #expect(try JSONValue(parsing: much.text)["next"]?.string == "file.txt")
            try await client.expect(200, .get, "/admin/api/browse")
            for query in ["limit=0", "limit=10001", "limit=-1", "path=%FF", "path=a&path=b", "depth=3"] {
                try await client.expect(400, .get, "/admin/api/browse?\(query)")
            }
            let long = String(repeating: "a", count: 4097)
            try await client.expect(400, .get, "/admin/api/browse?path=\(long)")
        }
        #expect(recorded.all == ["/some/path|-|1000", "a/b c|x\ny|5", "much|-|1000", "|-|1000"])
    }
}

struct PreferenceTests {
    @Test(
        "preferences are read as RFC 7240 writes them, and others left out",
        arguments: [
            ("", false, nil), ("respond-async", true, nil), ("wait=10", false, 10), ("wait = 10", false, 10),
            ("respond-async, wait=5; foo", true, 5), ("WAIT=3,wait=4", false, 3), ("wait=-1", false, nil),
            ("wait=x", false, nil), ("wait=", false, nil), ("wait=99999999999999999999", false, nil),
            ("wait=9999999", false, 86_400), ("respond-asynchronously", false, nil), ("\"respond-async\"", false, nil),
            (",,;,", false, nil),
        ] as [(String, Bool, Int?)])
    func reads(_ text: String, respondsAsync: Bool, wait: Int?) {
        let preference = Preference([.prefer: text])
        #expect(preference.respondsAsync == respondsAsync)
        #expect(preference.wait == wait.map { .seconds($0) })
    }

    @Test("preferences in several fields count together")
    func several() {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .prefer, value: "wait=2"))
        headers.append(HTTPField(name: .prefer, value: "respond-async"))
        #expect(Preference(headers).respondsAsync && Preference(headers).wait == .seconds(2))
    }
}
