/// What a group has moved to and from one block device since it was made.
package struct DeviceTraffic: Equatable, Sendable {
    package var readBytes: Int
    package var writtenBytes: Int
    package var reads: Int
    package var writes: Int

    package init(readBytes: Int, writtenBytes: Int, reads: Int, writes: Int) {
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.reads = reads
        self.writes = writes
    }
}

/// The text of `io.stat` (`8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`).
package enum DeviceTrafficFormat {
    /// By `MAJOR:MINOR`; nil when the text is not one. A device without numbers is left out.
    package static func parse(_ text: String) -> [String: DeviceTraffic]? {
        var devices: [String: DeviceTraffic] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let device = words.first, device.contains(":") else { return nil }
            var values: [Substring: Int] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                if parts.count == 2 { values[parts[0]] = Int(parts[1]) }
            }
            guard let read = values["rbytes"], let written = values["wbytes"],
                let reads = values["rios"], let writes = values["wios"]
            else { continue }
            devices[String(device)] = DeviceTraffic(
                readBytes: read, writtenBytes: written, reads: reads, writes: writes)
        }
        return devices
    }
}
