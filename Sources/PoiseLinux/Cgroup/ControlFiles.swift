package import PoiseModel

/// The files of a control tree: one group a feature, below a root that is not ours.
///
/// `CgroupFolder` is the kernel's; tests have one in memory that behaves like it.
package protocol ControlFiles: AnyObject {
    /// Makes the group of a feature (`mkdir(2)`).
    func make(_ feature: FeatureID) throws(SystemError)
    /// Removes the group of a feature and what it made below, none of which may hold a process
    /// (`rmdir(2)`).
    func remove(_ feature: FeatureID) throws(SystemError)
    /// Writes one file of a group as a whole (`write(2)`).
    func write(_ feature: FeatureID, _ file: ControlFile, _ text: String) throws(SystemError)
    /// Reads one file of a group as a whole, with its newlines (`read(2)`).
    func read(_ feature: FeatureID, _ file: ControlFile) throws(SystemError) -> String
}
