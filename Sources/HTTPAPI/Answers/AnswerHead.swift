/// What is the same in every chunk of an answer.
struct AnswerHead: Sendable {
    /// `chatcmpl-…` or `cmpl-…`.
    let identifier: String
    let model: String
    let createdUnixSeconds: Int
    /// Names the software that answered.
    let fingerprint: String
}
