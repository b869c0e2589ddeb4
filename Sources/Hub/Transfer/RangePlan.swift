/// What to ask a file store for, so that all wanted bytes come with few requests.
package enum RangePlan {
    /// Bytes to ask for at once.
    package struct Span: Hashable, Sendable {
        /// What is asked for.
        package var range: Range<UInt64>
        /// What of it is wanted, in order and apart from each other; it begins and ends with wanted bytes.
        package var wanted: [Range<UInt64>]
    }

    /// Joins ranges that touch, overlap, or have at most `gap` bytes between them.
    package static func join(_ ranges: [Range<UInt64>], gap: UInt64) -> [Span] {
        var spans: [Span] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) })
        where !range.isEmpty {
            guard var span = spans.last, range.lowerBound <= span.range.upperBound.addingWithSaturation(gap) else {
                spans.append(Span(range: range, wanted: [range]))
                continue
            }
            let last = span.wanted[span.wanted.count - 1]
            if range.lowerBound <= last.upperBound {
                span.wanted[span.wanted.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                span.wanted.append(range)
            }
            span.range = span.range.lowerBound..<max(span.range.upperBound, range.upperBound)
            spans[spans.count - 1] = span
        }
        return spans
    }

    /// Cuts spans so that none is longer than `bytes`; gaps at the cuts fall away.
    package static func split(_ spans: [Span], at bytes: UInt64) -> [Span] {
        precondition(bytes > 0, "pieces need at least one byte")
        var pieces: [Span] = []
        for span in spans {
            var wanted = span.wanted[...]
            while let first = wanted.first {
                let end = first.lowerBound.addingWithSaturation(bytes)
                var piece: [Range<UInt64>] = []
                while let range = wanted.first, range.lowerBound < end {
                    piece.append(range.lowerBound..<min(range.upperBound, end))
                    if range.upperBound <= end {
                        wanted.removeFirst()
                    } else {
                        wanted[wanted.startIndex] = end..<range.upperBound
                        break
                    }
                }
                pieces.append(Span(range: first.lowerBound..<piece[piece.count - 1].upperBound, wanted: piece))
            }
        }
        return pieces
    }
}

extension UInt64 {
    fileprivate func addingWithSaturation(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
