internal import CEngine

/// What goes into the middle of a window's graph and comes out of it: the values behind `shoal_window_callback`.
final class WindowHook {
    private let pointer: UnsafeMutablePointer<shoal_window_hook>

    /// `nil` when there is nothing to copy.
    init?(outputName: String?, inputName: String?, capacity: Int) {
        guard outputName != nil || inputName != nil else { return nil }
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: shoal_window_hook())
        pointer.pointee.output_capacity = capacity
        pointer.pointee.output_values = .allocate(capacity: capacity)
        withUnsafeMutableBytes(of: &pointer.pointee.output_name) { Self.write(outputName, into: $0) }
        withUnsafeMutableBytes(of: &pointer.pointee.input_name) { Self.write(inputName, into: $0) }
    }

    deinit {
        pointer.pointee.output_values.deallocate()
        pointer.deallocate()
    }

    func attach(to parameters: inout llama_context_params) {
        parameters.cb_eval = shoal_window_callback
        parameters.cb_eval_user_data = UnsafeMutableRawPointer(pointer)
    }

    /// Before a computation: what the input tensor, if there is one, is overwritten with.
    func begin(inputs: UnsafeBufferPointer<Float>) {
        pointer.pointee.output_given = 0
        pointer.pointee.input_taken = false
        pointer.pointee.input_values = inputs.baseAddress.map { UnsafePointer($0) }
        pointer.pointee.input_count = inputs.count
    }

    /// Whether the last computation used the inputs; true where there is no tensor to overwrite.
    var tookInputs: Bool { pointer.pointee.input_name.0 == 0 || pointer.pointee.input_taken }

    /// Values that the last computation gave, and how many.
    var outputs: UnsafePointer<Float> { UnsafePointer(pointer.pointee.output_values) }
    var givenCount: Int { pointer.pointee.output_given }

    private static func write(_ name: String?, into buffer: UnsafeMutableRawBufferPointer) {
        buffer.copyBytes(from: (name ?? "").utf8.prefix(buffer.count - 1))
    }
}
