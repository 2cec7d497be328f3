/// What a plugin may see and change besides what every plugin may; all paths are whole.
struct SandboxSettings: Equatable {
    /// Whether there is a sandbox at all; without one only new privileges are given up.
    var isFull = true
    /// What may be read beside `FileRules.usual`; when empty, everything but `hidden` may.
    var readable: [String] = []
    /// What may be read and written: the state folder among them.
    var writable: [String] = []
    /// What nobody gets in there, whatever else is said: the policy's folder, the sockets.
    var hidden: [String] = []
}
