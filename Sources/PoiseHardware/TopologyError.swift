package import PoiseModel

/// Why a machine could not be learnt or written; the text says what to do.
package enum TopologyError: Error, Equatable, CustomStringConvertible {
    case unreadable(file: String, Errno)
    case unwritable(file: String, Errno)
    /// The file is larger than a machine can be.
    case tooLarge(file: String, limitBytes: Int)
    /// The file is no hwloc XML, or is damaged; `why` says where.
    case malformed(file: String, why: String)
    /// hwloc read the file and refused it, or found no PU in it.
    case noMachine(file: String, why: String)
    /// No file and no profile has this name.
    case unknownProfile(name: String, nearest: [String], folders: [String])
    /// hwloc failed on the running system; `call` is the function that did.
    case discovery(call: String, Errno)
    /// hwloc was told by its environment to describe another machine.
    case notThisSystem

    package var description: String {
        switch self {
        case .unreadable(let file, let error):
            "cannot read the machine file \(file): \(error) (name a file written by "
                + "`poise topology --export FILE` or `lstopo --of xml FILE`)"
        case .unwritable(let file, let error):
            "cannot write this machine to \(file): \(error) (name a file in a folder that you "
                + "may write to and that has space)"
        case .tooLarge(let file, let limit):
            "cannot read the machine file \(file): it is larger than \(limit >> 20) MiB, which "
                + "no machine needs (check that it is the file you meant)"
        case .malformed(let file, let why):
            "cannot read the machine file \(file): \(why) (write it again with "
                + "`poise topology --export FILE` or `lstopo --of xml FILE`)"
        case .noMachine(let file, let why):
            "cannot make a machine of \(file): \(why) (write it again with "
                + "`poise topology --export FILE`; `lstopo -i FILE` shows what hwloc makes of it)"
        case .unknownProfile(let name, let nearest, let folders):
            TopologyError.unknown(name, nearest, folders)
        case .discovery(let call, let error):
            "cannot discover this machine: \(call) failed: \(error) (try `lstopo`; set "
                + "HWLOC_HIDE_ERRORS=0 to let hwloc say more)"
        case .notThisSystem:
            "cannot use this machine: hwloc is told to describe another one (unset "
                + "HWLOC_XMLFILE, HWLOC_SYNTHETIC and HWLOC_FSROOT)"
        }
    }

    private static func unknown(_ name: String, _ nearest: [String], _ folders: [String])
        -> String
    {
        if folders.isEmpty {
            return "cannot find the machine \(name): there is no such file and no folder of "
                + "profiles (set POISE_HWPROFILES to the folder hwprofiles)"
        }
        let places = folders.joined(separator: ", ")
        let hint =
            nearest.isEmpty
            ? "the folder has no profile: \(places)"
            : "nearest profiles: \(nearest.joined(separator: ", ")); more in \(places)"
        return "cannot find the machine \(name): there is no such file or profile (\(hint))"
    }
}
