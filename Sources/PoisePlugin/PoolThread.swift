import CLinux

/// A thread of the plugin's own that runs one closure and ends.
enum PoolThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// False when no thread is to be had. `pthread_create(3)`.
    static func start(_ name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
        let body = Unmanaged.passRetained(Body(run: run))
        let result = poise_host_thread(
            name,
            { raw in
                guard let raw else { return }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
            }, body.toOpaque())
        guard result < 0 else { return true }
        body.release()
        return false
    }
}
