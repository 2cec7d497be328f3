import Glibc
import PoiseLinux
import PoiseModel

/// Who features run as where `poised` is root: each as a user of its own, so that none can signal,
/// trace or read another, with the group of the user `poise-host`.
///
/// The numbers have no names. The owner of a feature's state folder says which is its own, so it
/// stays the same for as long as the feature keeps anything.
struct HostUsers {
    /// From a range that neither people, services nor containers get numbers of.
    static let first: UInt32 = 1_879_048_192
    static let count: UInt32 = 65_536

    private let group: UInt32
    private let stateFolder: String

    /// Nil where this host has no user `poise-host`, or we may not be another user.
    init?(stateFolder: String) throws(SystemError) {
        guard geteuid() == 0, let user = try UserDatabase.user(named: "poise-host") else {
            return nil
        }
        group = user.group
        self.stateFolder = stateFolder
    }

    /// The user of a feature: the owner of its folder, or the first number that no folder has.
    func user(of feature: FeatureID) -> Credentials {
        let mine = owner(of: feature.name)
        let taken = Set(Folder.names(in: stateFolder).compactMap(owner))
        let numbers = HostUsers.first..<(HostUsers.first + HostUsers.count)
        let number = mine ?? numbers.first { !taken.contains($0) } ?? HostUsers.first
        return Credentials(user: number, group: group)
    }

    private func owner(of name: String) -> UInt32? {
        var facts = stat()
        guard stat("\(stateFolder)/\(name)", &facts) == 0,
            (HostUsers.first..<(HostUsers.first + HostUsers.count)).contains(facts.st_uid)
        else { return nil }
        return facts.st_uid
    }
}
