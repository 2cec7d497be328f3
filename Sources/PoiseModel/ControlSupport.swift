/// Which settings of a cgroup can be written on this host, and why the others cannot.
package struct ControlSupport: Sendable, Equatable {
    /// Files that are there in the cgroup of a feature.
    package var files: Set<ControlFile>
    /// Why a file is not there, for people.
    package var lacking: [ControlFile: String]
    /// `MAJOR:MINOR` of block devices, by path.
    package var devices: [String: String]
    /// The kernel rounds memory limits down to whole pages.
    package var pageBytes: Int

    package init(
        files: Set<ControlFile> = Set(ControlFile.allCases), lacking: [ControlFile: String] = [:],
        devices: [String: String] = [:], pageBytes: Int = 4096
    ) {
        self.files = files
        self.lacking = lacking
        self.devices = devices
        self.pageBytes = pageBytes
    }
}

/// A line of a budget that is not held here.
package struct NotHeld: Sendable, Equatable {
    /// The file or the resource: `hugetlb.2MB.max`, `io.max of /dev/sdz`.
    package var setting: String
    package var because: String

    package init(setting: String, because: String) {
        self.setting = setting
        self.because = because
    }
}
