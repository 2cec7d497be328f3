import CLinux
import PoiseModel

extension WorkerPoolCore {
    /// What a worker is to do next.
    enum Next {
        case run(Job)
        case wait
        case leave
    }
}

extension WorkerPoolCore.State {
    /// The first moment of a worker's thread: from now on it can be pinned.
    mutating func arrive(_ number: Int, thread: Int32) {
        posts[number]?.thread = thread
        pin(number)
    }

    /// Gives a worker its next job, or puts it on the idle list, or lets it go.
    mutating func next(for number: Int) -> WorkerPoolCore.Next {
        guard let post = posts[number] else { return .leave }
        guard !post.isLeaving else {
            posts[number] = nil
            wakeWaiting()
            passOn()
            return .leave
        }
        if let job = takeJob(for: post.place) {
            posts[number]?.busySince = .now
            return .run(job)
        }
        if !idle.contains(number) { idle.append(number) }
        return .wait
    }

    /// The worker has done its job.
    mutating func finish(_ number: Int) {
        guard let since = posts[number]?.busySince else { return }
        spent += (Instant.now - since).wholeNanoseconds
        posts[number]?.busySince = nil
        if isQuiet { wakeWaiting() }
    }

    /// Takes the idle worker that suits a lane best off the list.
    mutating func takeIdle(for lane: WorkerPool.Lane) -> WorkerPoolCore.Worker? {
        var best: (index: Int, rank: Int)?
        for index in idle.indices.reversed() {
            guard let post = posts[idle[index]] else { continue }
            let rank = post.place.rank(for: lane)
            if best.map({ rank < $0.rank }) ?? true { best = (index, rank) }
        }
        guard let best else { return nil }
        return posts[idle.remove(at: best.index)]?.worker
    }

    /// Lets the workers fill `places`: those whose place is still there keep it, others move, too
    /// many leave, too few are made. Gives the workers to be woken and those to be started.
    mutating func settle(
        _ places: [WorkerPlace]
    ) -> (woken: [WorkerPoolCore.Worker], new: [WorkerPoolCore.Worker]) {
        var open = places
        var moving: [Int] = []
        for number in posts.keys.sorted() {
            guard let post = posts[number], !post.isLeaving else { continue }
            if let index = open.firstIndex(of: post.place) {
                open.remove(at: index)
            } else {
                moving.append(number)
            }
        }
        let movers = zip(moving, open)
        for (number, place) in movers { posts[number]?.place = place }
        let leaving = moving.dropFirst(open.count)
        let new = open.dropFirst(moving.count).map { hire(for: $0) }
        let woken = leaving.compactMap { dismiss($0) }
        // All of them: whoever enforced the change has moved every thread that had the whole of the
        // old allocation, and those that left earlier must not stay on what is gone now.
        for number in posts.keys.sorted() { pin(number) }
        return (woken, new)
    }

    /// Wakes all who wait for quiet or for the end.
    mutating func wakeWaiting() {
        for parking in waiting { parking.wake() }
        waiting = []
    }

    /// A worker for the whole allocation when the kernel gave no thread before.
    mutating func hireOneWhenThereIsNone() -> WorkerPoolCore.Worker? {
        posts.isEmpty ? hire(for: WorkerPlace(coreClass: nil, cpus: refuge)) : nil
    }

    // A worker that was woken for a job may leave without it: then another must be woken.
    private mutating func passOn() {
        guard !latency.isEmpty || !background.isEmpty else { return }
        takeIdle(for: latency.isEmpty ? .background : .latency)?.parking.wake()
    }

    private mutating func hire(for place: WorkerPlace) -> WorkerPoolCore.Worker {
        let worker = WorkerPoolCore.Worker(number: nextNumber)
        nextNumber += 1
        posts[worker.number] = WorkerPoolCore.Post(worker: worker, place: place)
        return worker
    }

    private mutating func dismiss(_ number: Int) -> WorkerPoolCore.Worker? {
        posts[number]?.isLeaving = true
        guard let index = idle.firstIndex(of: number) else { return nil }
        idle.remove(at: index)
        return posts[number]?.worker
    }

    private mutating func takeJob(for place: WorkerPlace) -> WorkerPoolCore.Job? {
        switch place.coreClass {
        case .performance, nil: latency.takeFirst() ?? background.takeFirst()
        case .efficiency, .lowPower: background.takeFirst() ?? latency.takeFirst()
        }
    }

    // A worker that leaves may finish its job on whatever the feature still has.
    private mutating func pin(_ number: Int) {
        guard let post = posts[number], post.thread != 0 else { return }
        let cpus = post.isLeaving ? refuge : post.place.cpus
        guard !cpus.isEmpty else { return }
        let bits = cpus.bits
        let result = bits.withUnsafeBufferPointer { words in
            poise_set_affinity(post.thread, words.baseAddress, UInt32(words.count))
        }
        posts[number]?.isPinned = result == 0
    }
}

extension WorkerPlace {
    /// How well an idle worker suits a lane; the lowest is best.
    func rank(for lane: WorkerPool.Lane) -> Int {
        switch (lane, coreClass) {
        case (.latency, .performance), (.background, .efficiency): 0
        case (.latency, nil), (.background, .lowPower): 1
        case (.latency, .efficiency), (.background, nil): 2
        case (.latency, .lowPower), (.background, .performance): 3
        }
    }
}
