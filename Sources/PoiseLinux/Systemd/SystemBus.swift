import CSystemd
import Glibc
package import PoiseModel

/// A connection to systemd over the system bus, for a loop that must not wait (`sd-bus(3)`).
///
/// Watch `descriptor` for `events`, call `process` when it is ready or `timeout` has come, and ask
/// for `events` and `timeout` again after that and after every call. It belongs to one thread, and
/// all closures are called there.
///
/// A closure is called once: by `process`, or before the call returns when nothing could be sent.
/// Those of a connection that is let go of are not called any more.
package final class SystemBus {
    /// Readable, or writable, when there is something for `process` to do.
    package let descriptor: FileDescriptor
    /// How long an answer may take when nobody says otherwise.
    package static let usualDeadline = Duration.seconds(10)

    let bus: OpaquePointer
    /// Jobs of systemd's that somebody waits for the end of.
    var jobs = UnitJobs()
    /// Whether systemd was asked to send signals.
    var isSubscribed = false

    /// Opens the system bus without waiting for its answer (`sd_bus_open_system(3)`).
    package convenience init() throws(SystemError) {
        var bus: OpaquePointer?
        _ = try linuxCall("sd_bus_open_system", on: SystemBus.subject) {
            sd_bus_open_system(&bus)
        }
        try self.init(adopting: bus)
    }

    /// Speaks to whoever is at the other end of `socket`, with no bus between (`sd_bus_set_fd(3)`).
    package convenience init(peer socket: FileDescriptor) throws(SystemError) {
        var bus: OpaquePointer?
        _ = try linuxCall("sd_bus_new", on: socket.name) { sd_bus_new(&bus) }
        let number = try systemCall("fcntl", on: socket.name) {
            fcntl(socket.number, F_DUPFD_CLOEXEC, 3)
        }
        _ = try linuxCall("sd_bus_set_fd", on: socket.name) { sd_bus_set_fd(bus, number, number) }
        _ = try linuxCall("sd_bus_start", on: socket.name) { sd_bus_start(bus) }
        try self.init(adopting: bus)
    }

    private init(adopting pointer: OpaquePointer?) throws(SystemError) {
        guard let pointer else { preconditionFailure("sd-bus opened a bus and gave none") }
        // A library may not end its process.
        sd_bus_set_exit_on_disconnect(pointer, 0)
        do throws(SystemError) {
            // A copy that this object may close; what is ready is the same for both.
            let number = try systemCall("fcntl", on: SystemBus.subject) {
                fcntl(sd_bus_get_fd(pointer), F_DUPFD_CLOEXEC, 3)
            }
            descriptor = FileDescriptor(adopting: number, name: SystemBus.subject)
        } catch {
            sd_bus_close_unref(pointer)
            throw error
        }
        bus = pointer
    }

    deinit { sd_bus_close_unref(bus) }

    /// What `descriptor` is to be watched for now (`sd_bus_get_events(3)`).
    package var events: Epoll.Interest {
        let events = sd_bus_get_events(bus)
        var interest: Epoll.Interest = []
        if events > 0, events & POLLIN != 0 { interest.insert(.read) }
        if events > 0, events & POLLOUT != 0 { interest.insert(.write) }
        return interest
    }

    /// When `process` is to be called whatever the descriptor says; nil for never
    /// (`sd_bus_get_timeout(3)`).
    package var timeout: Instant? {
        var microseconds = UInt64.max
        let code = sd_bus_get_timeout(bus, &microseconds)
        let own =
            code > 0 && microseconds != .max
            ? Instant(nanoseconds: Int(clamping: microseconds.multipliedClamping(by: 1000))) : nil
        return [own, jobs.firstDeadline].compactMap { $0 }.min()
    }

    /// Sends and takes what can be, and calls the closures that have their answer, or whose time is
    /// over (`sd_bus_process(3)`).
    ///
    /// An error means that the connection is gone; all closures have been told. Open another one.
    package func process() throws(SystemError) {
        var failure: SystemError?
        do throws(SystemError) {
            while try linuxCall(
                "sd_bus_process", on: SystemBus.subject, { sd_bus_process(bus, nil) })
                > 0
            {}
        } catch {
            failure = error
        }
        for job in jobs.takeOverdue(now: MonotonicClock.now) { job.fail(Errno.timedOut) }
        guard let failure else { return }
        for job in jobs.takeAll() { job.fail(failure.errno) }
        throw failure
    }

    static let subject = "the system bus"
}

extension SystemBus {
    /// What came of a call.
    typealias Answer = Result<BusMessage, SystemError>

    /// Sends a call to systemd; `write` adds its arguments (`sd_bus_call_async(3)`).
    func call(
        _ member: String, of interface: String, on path: String, subject: String,
        deadline: Duration, write: (BusMessage) throws(SystemError) -> Void,
        then: @escaping (Answer) -> Void
    ) {
        do throws(SystemError) {
            var raw: OpaquePointer?
            _ = try linuxCall(member, on: subject) {
                sd_bus_message_new_method_call(
                    bus, &raw, Systemd.name, path, interface, member)
            }
            guard let raw else { preconditionFailure("sd-bus made a message and gave none") }
            let message = BusMessage(adopting: raw, subject)
            try write(message)
            let box = Unmanaged.passRetained(
                PendingCall(member: member, subject: subject, then: then))
            var slot: OpaquePointer?
            let microseconds = UInt64(max(1, deadline.wholeNanoseconds / 1000))
            do throws(SystemError) {
                _ = try linuxCall(member, on: subject) {
                    sd_bus_call_async(
                        bus, &slot, message.pointer, PendingCall.answered, box.toOpaque(),
                        microseconds)
                }
            } catch {
                box.release()
                throw error
            }
            // The bus holds the slot until the answer, and the slot the box until its own end.
            sd_bus_slot_set_destroy_callback(slot, PendingCall.destroyed)
            sd_bus_slot_set_floating(slot, 1)
            sd_bus_slot_unref(slot)
        } catch {
            then(.failure(error))
        }
    }

    /// Has `hear` called for every message that `rule` is for, as long as the result is held
    /// (`sd_bus_add_match_async(3)`).
    func match(
        _ rule: String, subject: String, hear: @escaping (BusMessage) -> Void
    ) throws(SystemError) -> BusMatch {
        let box = Unmanaged.passRetained(BusMatch.Ear(subject: subject, hear: hear))
        var slot: OpaquePointer?
        do throws(SystemError) {
            _ = try linuxCall("sd_bus_add_match", on: subject) {
                sd_bus_add_match_async(
                    bus, &slot, rule, BusMatch.heard, nil, box.toOpaque())
            }
        } catch {
            box.release()
            throw error
        }
        sd_bus_slot_set_destroy_callback(slot, PendingCall.destroyed)
        guard let slot else { preconditionFailure("sd-bus made a slot and gave none") }
        return BusMatch(slot: slot)
    }
}

/// What waits for the answer to one call.
private final class PendingCall {
    let member: String
    let subject: String
    let then: (SystemBus.Answer) -> Void

    init(member: String, subject: String, then: @escaping (SystemBus.Answer) -> Void) {
        self.member = member
        self.subject = subject
        self.then = then
    }

    static let answered: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context else { return 0 }
        let call = Unmanaged<PendingCall>.fromOpaque(context).takeUnretainedValue()
        if let failure = call.failure(message) {
            call.then(.failure(failure))
        } else {
            sd_bus_message_ref(message)
            call.then(.success(BusMessage(adopting: message, call.subject)))
        }
        return 1
    }

    /// Lets go of the object that a slot was made with.
    static let destroyed: sd_bus_destroy_t = { context in
        guard let context else { return }
        Unmanaged<AnyObject>.fromOpaque(context).release()
    }

    private func failure(_ message: OpaquePointer) -> SystemError? {
        guard sd_bus_message_is_method_error(message, nil) > 0 else { return nil }
        let error = sd_bus_message_get_error(message)?.pointee
        let name = error?.name.map { String(cString: $0) } ?? "an error without a name"
        let text = error?.message.map { String(cString: $0) } ?? ""
        let code = Systemd.errno(named: name) ?? Errno(sd_bus_message_get_errno(message))
        return SystemError(
            member, on: subject, code, advice: Systemd.advice(name: name, text: text))
    }
}

/// Messages that are listened for, until it is let go of (`sd_bus_slot`).
final class BusMatch {
    fileprivate final class Ear {
        let subject: String
        let hear: (BusMessage) -> Void

        init(subject: String, hear: @escaping (BusMessage) -> Void) {
            self.subject = subject
            self.hear = hear
        }
    }

    private let slot: OpaquePointer

    fileprivate init(slot: OpaquePointer) { self.slot = slot }

    deinit { sd_bus_slot_unref(slot) }

    fileprivate static let heard: sd_bus_message_handler_t = { message, context, _ in
        guard let message, let context else { return 0 }
        let ear = Unmanaged<Ear>.fromOpaque(context).takeUnretainedValue()
        sd_bus_message_ref(message)
        ear.hear(BusMessage(adopting: message, ear.subject))
        // Others may listen for the same message.
        return 0
    }
}

extension UInt64 {
    /// The product, or the largest number.
    fileprivate func multipliedClamping(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
