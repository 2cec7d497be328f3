import PoiseModel

// Processors, memory, disks and the kernel's command line.
extension HostCapabilities {
    mutating func readKernel(_ root: String) {
        kernelArguments = Files.text("\(root)/proc/cmdline").map { text in
            text.split { $0 == " " || $0 == "\n" }.map(String.init)
        }
        if ["/usr/sbin/grubby", "/sbin/grubby"].contains(where: { Files.exists(root + $0) }) {
            bootLoader = .grubby
        } else if Files.exists("\(root)/etc/default/grub") {
            bootLoader = .grub
        }
    }

    mutating func readProcessors(_ root: String) {
        let folder = "\(root)/sys/devices/system/cpu"
        smt = Files.text("\(folder)/smt/control").flatMap(SMT.init)
        let list = { (name: String) in Files.text("\(folder)/\(name)").flatMap { CPUSet($0) } }
        processors.present = list("present")
        processors.online = list("online")
        processors.isolated = list("isolated")
        processors.tickless = list("nohz_full")
        guard let policies = Files.names(in: "\(folder)/cpufreq") else { return }
        let governors = policies.compactMap { policy -> ProcessorState.Governor? in
            let place = "\(folder)/cpufreq/\(policy)"
            guard let name = Files.text("\(place)/scaling_governor") else { return nil }
            let available = Files.text("\(place)/scaling_available_governors") ?? ""
            return ProcessorState.Governor(
                name: name, driver: Files.text("\(place)/scaling_driver") ?? "",
                preference: Files.text("\(place)/energy_performance_preference"),
                available: available.split(separator: " ").map(String.init))
        }
        processors.governors = Set(governors).sorted()
    }

    mutating func readMemory(_ root: String) {
        for line in (Files.text("\(root)/proc/meminfo") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            // `SwapTotal:       0 kB`
            guard words.first == "SwapTotal:", words.count == 3, let total = Int(words[1])
            else { continue }
            swapBytes = total << 10
        }
        let folder = "\(root)/sys/kernel/mm/hugepages"
        hugePages = Files.names(in: folder).map { sizes in
            sizes.compactMap { Files.text("\(folder)/\($0)/nr_hugepages") }.compactMap { Int($0) }
                .reduce(0, +)
        }
    }

    mutating func readBlockDevices(_ root: String) {
        let costs = Files.text("\(root)\(cgroupMount ?? "/sys/fs/cgroup")/io.cost.qos") ?? ""
        let enabled = costs.split(separator: "\n").filter { $0.contains("enable=1") }
        blockDevices = Files.names(in: "\(root)/sys/block").map { names in
            names.compactMap { name in
                let place = "\(root)/sys/block/\(name)"
                // Loops, RAM disks and mapped devices hand requests on to others.
                guard Files.exists("\(place)/device"), let number = Files.text("\(place)/dev"),
                    let line = Files.text("\(place)/queue/scheduler")
                else { return nil }
                let chosen = line.split(separator: " ").first { $0.hasPrefix("[") }
                return BlockDeviceState(
                    name: name, number: number,
                    scheduler: chosen.map { String($0.dropFirst().dropLast()) } ?? line,
                    hasCostModel: enabled.contains { $0.hasPrefix(number + " ") })
            }
        }
    }
}
