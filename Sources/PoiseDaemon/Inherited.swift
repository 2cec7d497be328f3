import PoiseLinux
import PoiseModel

/// The descriptors that systemd hands to a new daemon: the socket that it listens on for it, and
/// what the daemon before it had stored of each feature.
struct Inherited {
    /// What there is of one feature; each may be missing, for a daemon can end at any moment.
    struct Pieces {
        /// The process that was started (`pidfd_open(2)`).
        var process: FileDescriptor?
        /// The daemon's end of the messages to and from its host.
        var channel: FileDescriptor?
        /// The end that its output is read from.
        var output: FileDescriptor?
    }

    /// What a stored descriptor is; its name begins with this.
    enum Kind: String, CaseIterable {
        case process, channel, output

        func name(of feature: FeatureID) -> String { "\(rawValue).\(feature.name)" }
    }

    /// The name of the control socket (`FileDescriptorName=`).
    static let control = "control"

    private(set) var listener: FileDescriptor?
    private(set) var features: [FeatureID: Pieces] = [:]
    /// Files of the bus, under the names that `BusStore` gave them.
    private(set) var bus: [(name: BusFileName, descriptor: FileDescriptor)] = []
    /// Names that say nothing to us.
    private(set) var unknown: [String] = []

    init(_ given: [(name: String, descriptor: FileDescriptor)] = []) {
        for (name, descriptor) in given {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            if name == Inherited.control {
                listener = descriptor
            } else if let file = BusFileName(name) {
                bus.append((file, descriptor))
            } else if parts.count == 2, let kind = Kind(rawValue: parts[0]),
                let feature = FeatureID(parts[1])
            {
                switch kind {
                case .process: features[feature, default: Pieces()].process = descriptor
                case .channel: features[feature, default: Pieces()].channel = descriptor
                case .output: features[feature, default: Pieces()].output = descriptor
                }
            } else {
                unknown.append(name)
            }
        }
    }

    /// Hands over what there is of a feature.
    mutating func take(_ feature: FeatureID) -> Pieces {
        features.removeValue(forKey: feature) ?? Pieces()
    }
}
