import Glibc
package import PoiseModel

/// A thread of the plugin's own that is joined when it has ended (`pthread_create(3)`).
package struct OwnThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let identity: pthread_t

    /// Begins to run `body`; `name` (at most 15 bytes) is what `ps` shows.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let box = Unmanaged.passRetained(
            Body {
                Self.nameThread(name)
                body()
            })
        var identity = pthread_t()
        let code = pthread_create(
            &identity, nil,
            { pointer in
                if let pointer {
                    Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                }
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw Errno(code)
        }
        self.identity = identity
    }

    /// Gives the calling thread a name, through `/proc/thread-self/comm`.
    private static func nameThread(_ name: String) {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = name.withCString { write(file, $0, strlen($0)) }
        close(file)
    }

    /// Waits until the body has returned.
    package func join() { pthread_join(identity, nil) }
}
