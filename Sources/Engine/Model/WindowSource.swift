internal import CEngine
internal import GGUF
internal import Synchronization

/// The bytes of a window, as libllama reads them: a `FILE` over a ``WindowView``.
final class WindowSource: Sendable {
    private let view: WindowView
    private let firstFailure = Mutex<(any Error)?>(nil)

    init(view: WindowView) {
        self.view = view
    }

    /// Why a read failed, if one did.
    var failure: (any Error)? { firstFailure.withLock { $0 } }

    /// The file; it must not outlive this object. `nil` when memory runs out.
    func open() -> UnsafeMutablePointer<FILE>? {
        shoal_file_open(Unmanaged.passUnretained(self).toOpaque(), Int64(view.byteCount)) {
            context, offset, buffer, length in
            guard let context, let buffer, offset >= 0, length >= 0 else { return -1 }
            let source = Unmanaged<WindowSource>.fromOpaque(context).takeUnretainedValue()
            return source.read(
                at: UInt64(offset), into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(length)))
        }
    }

    private func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int64 {
        do {
            return Int64(try view.read(at: offset, into: buffer))
        } catch {
            firstFailure.withLock { $0 = $0 ?? error }
            return -1
        }
    }
}
