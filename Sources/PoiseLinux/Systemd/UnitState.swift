/// What systemd has of a unit now (`org.freedesktop.systemd1(5)`).
package struct UnitState: Equatable, Sendable {
    /// Its whole name, such as `nginx.service`.
    package var name: String
    /// `loaded`, `not-found`, `masked`, `error`, …
    package var loadState: String
    /// `active`, `reloading`, `inactive`, `failed`, `activating` or `deactivating`.
    package var activeState: String
    /// `running`, `exited`, `dead`, …: finer, and not the same for all kinds of units.
    package var subState: String
    /// The process that systemd takes for the service's own; nil while there is none.
    package var mainPID: ProcessID?
    /// Its folder below the root of the cgroup tree, such as `/system.slice/nginx.service`; nil
    /// while it has none.
    package var controlGroup: String?
    /// Names one run of the unit, in 32 hexadecimal digits; nil when it never ran.
    package var invocation: String?
    /// All properties of a budget that this kind of unit has, as they are set now: what restores
    /// them.
    package var budget: [UnitProperty]

    package init(
        name: String, loadState: String, activeState: String, subState: String,
        mainPID: ProcessID? = nil, controlGroup: String? = nil, invocation: String? = nil,
        budget: [UnitProperty] = []
    ) {
        self.name = name
        self.loadState = loadState
        self.activeState = activeState
        self.subState = subState
        self.mainPID = mainPID
        self.controlGroup = controlGroup
        self.invocation = invocation
        self.budget = budget
    }

    /// Whether processes of it may be there.
    package var isRunning: Bool { activeState != "inactive" && activeState != "failed" }
}
