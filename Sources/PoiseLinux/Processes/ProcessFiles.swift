import Glibc
import PoiseModel

/// Reads the kernel's files about processes and the machine (`proc(5)`).
///
/// A process may end at any moment, so what cannot be read is nil.
package enum ProcessFiles {
    /// `/proc/PID/stat`.
    package static func stat(of pid: ProcessID) -> ProcessStat? {
        text("/proc/\(pid)/stat").flatMap(ProcessStatFormat.parse)
    }

    /// `/proc/PID/status`.
    package static func status(of pid: ProcessID) -> ProcessStatus? {
        text("/proc/\(pid)/status").flatMap(ProcessStatusFormat.parse)
    }

    /// The effective user of a process; nil when it has ended (`/proc/PID/status`, `Uid:`).
    package static func user(of pid: ProcessID) -> UInt32? {
        guard let text = text("/proc/\(pid)/status") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("Uid:") }
        return line?.split(separator: "\t").dropFirst(2).first.flatMap { UInt32($0) }
    }

    /// `/proc/pressure/cpu`, `memory` or `io`; nil also where the kernel does not measure it.
    package static func pressure(_ resource: PressureResource) -> Pressure? {
        text("/proc/pressure/\(resource.rawValue)").flatMap(PressureFormat.parse)
    }

    /// `/proc/stat`.
    package static func kernelStat() -> KernelStat? {
        text("/proc/stat").flatMap(KernelStatFormat.parse)
    }

    /// `/proc/meminfo`.
    package static func memory() -> MemoryTotals? {
        text("/proc/meminfo").flatMap(MemoryTotalsFormat.parse)
    }

    /// The value of a variable in the environment that a process was started with; nil when it has
    /// none or may not be read (`/proc/PID/environ`).
    package static func environmentValue(_ name: String, of pid: ProcessID) -> String? {
        guard let all = text("/proc/\(pid)/environ") else { return nil }
        return all.split(separator: "\0").first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// A file of the kernel as text; nil when it cannot be read.
    package static func text(_ path: String) -> String? {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY)
            var all: [UInt8] = []
            while case .bytes(let bytes) = try file.read(atMost: 16384) { all += bytes }
            return String(decoding: all, as: UTF8.self)
        } catch {
            return nil
        }
    }

    /// The number that the kernel gave out last, to a process or a thread (`/proc/loadavg`).
    static var newest: Int? {
        bytes("/proc/loadavg", room: 128).flatMap { LoadAverageFormat.parse($0) }?.newest
    }

    /// The names in a folder that are numbers, in order; empty when it cannot be read.
    static func numbers(in folder: String) -> [ProcessID] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var result: [ProcessID] = []
        while let entry = readdir(stream) {
            let number = withUnsafeBytes(of: &entry.pointee.d_name) { name -> ProcessID? in
                var value: ProcessID = 0
                for byte in name where value >= 0 {
                    guard byte != 0 else { break }
                    // No number of a process is near the end of its range.
                    value =
                        (0x30...0x39).contains(byte) && value < 100_000_000
                        ? value * 10 + ProcessID(byte - 0x30) : -1
                }
                return value > 0 ? value : nil
            }
            if let number { result.append(number) }
        }
        return result.sorted()
    }

    /// The numbers in a small file of the kernel; empty when it cannot be read.
    static func numbers(inFile path: String) -> [ProcessID] {
        guard let bytes = bytes(path, room: 1024) else { return [] }
        // A list that fills the room may go on.
        guard bytes.count < 1024 else {
            return text(path)?.split(separator: " ").compactMap { ProcessID($0) } ?? []
        }
        return KernelBytes.numbers(bytes).map { ProcessID($0) }
    }

    /// What one read of a file of the kernel gives.
    private static func bytes(_ path: String, room: Int) -> KernelBytes.Bytes? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let found = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, room))
        }
        return found[...]
    }
}
