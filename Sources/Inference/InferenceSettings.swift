/// What an operator decides about inference on this node.
package struct InferenceSettings: Sendable {
    /// Path of the engine program; nil: `shoal-engine` beside the running program.
    package var engineBinary: String?
    /// Folder (mode 0700, made when missing) for the sockets of the engines. Its path is at most 80 bytes.
    package var socketDirectory: String
    /// Address on which the engines listen for the engines of other nodes.
    package var engineListenHost = "0.0.0.0"
    /// Tokens that one session may have, prompt and answer together, where the model was trained for as many.
    package var contextLength = 8192
    /// Cells of a window's key-value cache, shared by its sessions; nil: `contextLength`, or more where sessions are short.
    package var cacheCells: Int?
    /// Bytes that loaded windows may take together; nil: 80 % of the machine's memory.
    package var memoryBudgetBytes: UInt64?
    /// Sequences per window; 0: the engine decides.
    package var maximumSequences = 0
    /// Tokens per prompt chunk; 0: the engine decides.
    package var chunkLength = 0
    /// Threads per window; 0: the engine decides.
    package var threads = 0
    /// Layers on the GPU; -1: all.
    package var gpuLayers = -1
    /// "auto", "plain" or "repacked".
    package var weightLayout = "auto"
    /// Generations at once; more wait, and past four times as many of one caller are refused.
    package var maximumGenerations = 32
    /// How many of a hundred of them one caller may have; the others are for callers who come.
    package var callerPercent = 75
    /// A segment whose stream is silent for this long is given up.
    package var silenceLimit: Duration = .seconds(3)
    /// How often one generation is planned again before it fails.
    package var maximumReroutes = 5
    /// How long a request waits for room in a window that others fill.
    package var busyLimit: Duration = .seconds(60)

    package init(socketDirectory: String) { self.socketDirectory = socketDirectory }
}
