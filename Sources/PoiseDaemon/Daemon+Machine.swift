import PoiseEngine
import PoiseHardware
import PoiseLinux
import PoiseModel

// CPUs that come and go.
extension Daemon {
    func watchMachine() {
        do throws(SystemError) {
            let events = try KernelEvents()
            try watch(events.descriptor, .kernel, .read)
            kernelEvents = events
        } catch {
            say("degraded", nil, "CPUs that go offline are not seen: \(error)")
        }
    }

    func takeKernelEvents() {
        guard let kernelEvents else { return }
        let news = attempt { () throws(SystemError) in try kernelEvents.receive() }
        guard let news,
            news.missedSome || news.events.contains(where: { $0.cpu != nil || $0.node != nil })
        else {
            return
        }
        machineDue = machineDue ?? MonotonicClock.now + .milliseconds(10)
    }

    /// Looks at the machine anew and has the plan made for what is there now.
    func lookAgain() {
        machineDue = nil
        do {
            let now = try LocalMachine.discover()
            guard now != machine else { return }
            machine = now
            inbox.post(.machine(now.machine))
        } catch {
            say("degraded", nil, "the machine cannot be looked at again: \(error)")
        }
    }
}
