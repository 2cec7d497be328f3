import CSystemd
import Glibc
import PoiseModel

/// Names and errors of `org.freedesktop.systemd1(5)`.
enum Systemd {
    static let name = "org.freedesktop.systemd1"
    static let path = "/org/freedesktop/systemd1"
    static let manager = "org.freedesktop.systemd1.Manager"
    static let unit = "org.freedesktop.systemd1.Unit"
    static let properties = "org.freedesktop.DBus.Properties"

    /// Whether systemd could have a unit of this name (`systemd.unit(5)`); nothing else is put into
    /// a rule or a path.
    static func isUnitName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (3...255).contains(bytes.count), let dot = bytes.lastIndex(of: UInt8(ascii: ".")),
            dot > 0, interface(of: name) != nil
        else { return false }
        let others = Array(":-_.\\@".utf8)
        return bytes.allSatisfy { byte in
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            return isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || others.contains(byte)
        }
    }

    /// Where the properties of a budget are, for the kinds of units that have one.
    static func interface(of unit: String) -> String? {
        let kinds = [
            "service": "Service", "scope": "Scope", "slice": "Slice", "socket": "Socket",
            "mount": "Mount", "swap": "Swap",
        ]
        return unit.split(separator: ".").last.flatMap { kinds[String($0)] }.map { "\(name).\($0)" }
    }

    /// The path of a unit's object (`sd_bus_path_encode(3)`).
    static func path(of unit: String) throws(SystemError) -> String {
        var path: UnsafeMutablePointer<CChar>?
        _ = try linuxCall("sd_bus_path_encode", on: unit) {
            sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path)
        }
        defer { free(path) }
        return path.map { String(cString: $0) } ?? ""
    }

    /// The number of an error that sd-bus does not know; nil for all others.
    static func errno(named name: String) -> Errno? {
        switch name {
        case "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.LoadFailed":
            .noSuchFile
        case "org.freedesktop.systemd1.UnitMasked",
            "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
            .accessDenied
        case "org.freedesktop.DBus.Error.ServiceUnknown",
            "org.freedesktop.DBus.Error.NameHasNoOwner":
            Errno(EHOSTDOWN)
        case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout": .timedOut
        default: nil
        }
    }

    /// What systemd said, and what to do where that is known.
    static func advice(name: String, text: String) -> String {
        let said = text.isEmpty ? name : text
        switch name {
        case "org.freedesktop.DBus.Error.AccessDenied",
            "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
            return "\(said); run as root, or allow org.freedesktop.systemd1.manage-units in polkit"
        case "org.freedesktop.systemd1.NoSuchUnit": return "\(said) (see systemctl list-units)"
        default: return said
        }
    }
}
