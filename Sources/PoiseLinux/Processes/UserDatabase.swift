import CLinux
import Glibc
import PoiseModel

/// The users and groups that this system knows by name (`nsswitch.conf(5)`).
///
/// A look-up may read files or ask the network, so a loop that must not wait asks at its start.
package enum UserDatabase {
    /// The number of a group; nil when there is none of this name (`getgrnam_r(3)`).
    package static func group(named name: String) throws(SystemError) -> UInt32? {
        try lookUp("getgrnam_r", name) { room, bytes in
            var entry = Glibc.group()
            var found: UnsafeMutablePointer<Glibc.group>?
            let code = getgrnam_r(name, &entry, bytes, room, &found)
            return (code, found?.pointee.gr_gid)
        }
    }

    /// Who a user is, with all groups that it is a member of; nil when there is none of this name
    /// (`getpwnam_r(3)`, `getgrouplist(3)`).
    package static func user(named name: String) throws(SystemError) -> Credentials? {
        let ids = try lookUp("getpwnam_r", name) { room, bytes in
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            let code = getpwnam_r(name, &entry, bytes, room, &found)
            return (code, found.map { ($0.pointee.pw_uid, $0.pointee.pw_gid) })
        }
        guard let (user, group) = ids else { return nil }
        return Credentials(user: user, group: group, groups: groups(of: name, group))
    }

    /// The groups of a user without its first one, in order.
    private static func groups(of name: String, _ first: UInt32) -> [UInt32] {
        var count: Int32 = 64
        while true {
            var groups = [gid_t](repeating: 0, count: Int(count))
            if getgrouplist(name, first, &groups, &count) >= 0 {
                return Set(groups.prefix(Int(count))).subtracting([first]).sorted()
            }
        }
    }

    private static func lookUp<Value>(
        _ call: String, _ name: String,
        _ body: (Int, UnsafeMutablePointer<CChar>) -> (code: Int32, value: Value?)
    ) throws(SystemError) -> Value? {
        var room = 1024
        while true {
            let bytes = UnsafeMutablePointer<CChar>.allocate(capacity: room)
            defer { bytes.deallocate() }
            let (code, value) = body(room, bytes)
            switch code {
            // A name that is not there may be told by any of these.
            case 0, ENOENT, ESRCH, EBADF, EPERM: return value
            case EINTR: continue
            case ERANGE where room < 1 << 20: room *= 4
            default:
                throw SystemError(
                    call, on: name, Errno(code), advice: "see getent and /etc/nsswitch.conf")
            }
        }
    }
}
