internal import CEngine
internal import Foundation

/// What a process of the engine program gives up before it reads anything that others wrote.
///
/// Landlock and filters of system calls hold for the calling thread and those that it starts: to be called before there are others.
package struct ProcessBox: Sendable {
    /// Files of the model.
    package var modelPaths: [String] = []
    /// Folder in which the process makes its socket.
    package var socketFolder = ""
    /// Whether it speaks to other machines.
    package var usesNetwork = true

    package init() {}

    /// What became of it, for the log; the kernel may have less than is asked for.
    package struct Report: Sendable, Equatable {
        /// Version of Landlock's interface; 0: the kernel has none.
        package var landlockVersion = 0
        /// What the kernel refused.
        package var refusals: [String] = []

        package var isComplete: Bool { landlockVersion > 0 && refusals.isEmpty }

        package var description: String {
            let files = landlockVersion == 0 ? "the kernel has no Landlock" : "Landlock \(landlockVersion)"
            return ([files] + refusals).joined(separator: ", ")
        }
    }

    /// Folders of the system: libraries, time zones, certificates' settings, what the kernel tells of devices.
    private static let systemFolders = [
        "/usr", "/lib", "/lib64", "/bin", "/opt", "/etc", "/nix/store", "/run/opengl-driver", "/run/current-system",
        "/proc", "/sys",
        "/var/lib/snapd/lib",
    ]
    /// What drivers write to: devices, and the names of a process's own threads.
    private static let writtenFolders = ["/dev", "/proc/self"]

    /// Gives all of it up.
    package func close() -> Report {
        var report = Report()
        if !shoal_box_process() { report.refusals.append("the process's own limits were refused") }
        report.landlockVersion = Int(shoal_landlock_version())
        if report.landlockVersion > 0 {
            let status = restrictFiles()
            if status != 0 { report.refusals.append("Landlock was refused (\(String(cString: strerror(status))))") }
        }
        let status = shoal_box_calls(usesNetwork)
        if status != 0 {
            report.refusals.append("the filter of system calls was refused (\(String(cString: strerror(status))))")
        }
        return report
    }

    private func restrictFiles() -> Int32 {
        let read = readPlaces
        let written = writtenPlaces
        return withCStrings(read + written) { pointers in
            let places = pointers.indices.map { shoal_box_place(path: pointers[$0], writes: $0 >= read.count) }
            return shoal_box_files(places, places.count, usesNetwork)
        }
    }

    /// What may be read.
    var readPlaces: [String] {
        let environment = ProcessInfo.processInfo.environment
        var places = Self.systemFolders
        for path in modelPaths {
            // Files are links where a model was taken over from elsewhere: to their own folder as well.
            for path in [path, Self.resolved(path)] {
                places.append(path)
                if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                    places.append(String(path[..<slash]))
                }
            }
        }
        places += [Self.libraryFolder, Self.programFolder].compactMap { $0 }
        for name in ["LD_LIBRARY_PATH", "GGML_BACKEND_PATH", "CUDA_PATH", "ROCM_PATH", "HIP_PATH", "VK_ICD_FILENAMES"] {
            places += (environment[name] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        }
        return places
    }

    /// What may be written: beside devices and the socket's folder, where drivers keep programs that they compiled.
    var writtenPlaces: [String] {
        let environment = ProcessInfo.processInfo.environment
        var places = Self.writtenFolders + [socketFolder]
        if let cache = environment["CUDA_CACHE_PATH"] {
            places.append(cache)
        } else if let home = environment["HOME"] {
            places.append(home + "/.nv")
        }
        return places
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static var libraryFolder: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard shoal_library_folder(&buffer, buffer.count) else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static var programFolder: String? {
        let program = resolved("/proc/self/exe")
        return program.lastIndex(of: "/").map { String(program[..<$0]) }
    }
}
