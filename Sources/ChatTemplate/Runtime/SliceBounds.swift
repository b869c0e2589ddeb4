/// The bounds of a slice such as `[1:-1:2]`, resolved as Python resolves them.
struct SliceBounds {
    let from: Int?
    let to: Int?
    let step: Int

    init(from: Int?, to: Int?, step: Int?) throws(ChatTemplateError) {
        guard step != 0, step != .min else {
            throw ChatTemplateError(.evaluation, "the step of a slice cannot be \(step ?? 0)")
        }
        self.from = from
        self.to = to
        self.step = step ?? 1
    }

    /// The slice as a range, if its step is 1.
    func range(count: Int) -> Range<Int>? {
        guard step == 1 else { return nil }
        let start = resolve(from ?? 0, count: count)
        return start..<max(start, resolve(to ?? count, count: count))
    }

    /// The indices of the slice in order.
    func indices(count: Int) -> [Int] {
        if step > 0 {
            return Array(
                stride(from: resolve(from ?? 0, count: count), to: resolve(to ?? count, count: count), by: step))
        }
        let start = from.map { min(resolve($0, count: count, lowest: -1), count - 1) } ?? count - 1
        let end = to.map { min(resolve($0, count: count, lowest: -1), count - 1) } ?? -1
        return Array(stride(from: start, to: end, by: step))
    }

    /// The position that an index means, moved into the sequence.
    private func resolve(_ index: Int, count: Int, lowest: Int = 0) -> Int {
        let position = index < 0 ? index.addingReportingOverflow(count).partialValue : index
        return min(max(position, lowest), count)
    }
}
