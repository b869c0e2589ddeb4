import Accounts

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Says in the folder of a result what it is the result of: for who looks for it there, and for the node, which never removes a
/// folder that has one unless it knows that the job failed, also when the database is gone or an older one.
struct TrainingRecord: Codable, Hashable {
    /// Hidden, so that no trainer's own file has the name.
    static let fileName = ".shoal-training.json"

    let job: String
    let outputModel: String
    let description: String
    let trainPath: String
    let userID: Int64?
    let finishedAt: String

    enum CodingKeys: String, CodingKey {
        case job, description
        case outputModel = "output_model"
        case trainPath = "train_path"
        case userID = "user_id"
        case finishedAt = "finished_at"
    }

    init(_ job: TrainingJob, finished: Date) {
        self.job = job.id.description
        outputModel = job.request.outputModel
        description = job.request.description
        trainPath = job.request.path
        userID = job.user?.rawValue
        finishedAt = finished.formatted(.iso8601)
    }
}
