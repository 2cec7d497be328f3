import Glibc
import PoiseEngine
import PoiseHistory
import PoiseLinux
import PoiseModel
import PoiseWire

// What features wanted, used and had, kept for days: for forecasts and for `poise history`.
extension Daemon {
    static func historyPath(in stateFolder: String) -> String {
        ownFolder(in: stateFolder) + "/history.sqlite"
    }

    /// Trains forecasts with what an earlier daemon has kept, and starts to keep more. Without it
    /// everything else works as it does.
    func keepHistory() {
        let path = Daemon.historyPath(in: options.stateFolder)
        do throws(HistoryStore.Failure) {
            try train(from: path)
        } catch {
            // The keeper finds the same and says so.
        }
        attempt { () throws(SystemError) in
            let keeper = try HistoryKeeper(path)
            try watch(keeper.bell.descriptor, .history, .read)
            history = keeper
        }
    }

    /// Seasons that are read: an older one has next to no weight in a forecast.
    private static let seasons = 4

    private func train(from path: String) throws(HistoryStore.Failure) {
        guard let setting = engine.policy.rebalance.forecast, Glibc.access(path, F_OK) == 0
        else { return }
        let now = Int(wallNow)
        let store = try HistoryStore(path, now: now)
        let since = now - Daemon.seasons * setting.season.wholeNanoseconds / 1_000_000_000
        for feature in engine.records.keys.sorted() {
            let demand = try store.demand(of: feature, since: since, now: now)
            if !demand.isEmpty { engine.train(feature, demand) }
        }
        if let remark = store.takeRemark() { say("degraded", nil, remark) }
    }

    /// Once a second: gathers, and hands over what is a whole minute.
    func lookAfterHistory() {
        let minutes = historyFeed.look(
            at: engine, wallSeconds: Int(wallNow), now: MonotonicClock.now)
        if !minutes.isEmpty { keep(minutes) }
    }

    private func keep(_ minutes: [FeatureMinute]) {
        history?.add(
            minutes, historyFeed.takeChanges(), now: Int(wallNow),
            on: attempt { () throws(SystemError) in try ThreadSettings.cpus(of: 0) })
    }

    /// Keeps what there is, also of the minute that has only begun.
    func endHistory() {
        guard let history else { return }
        keep(historyFeed.finish(MonotonicClock.now))
        history.finish()
        self.history = nil
    }

    /// Asks for what a feature did; the caller's answer comes when the disk has given it.
    func askHistory(
        _ call: ControlCall, _ connection: ControlConnection
    ) -> ControlReply? {
        guard let name = call.parameters["feature"]?.string, let feature = FeatureID(name) else {
            return ControlReply(.badParameters, "the parameter feature names a feature")
        }
        guard let history,
            let token = server.connections.first(where: { $0.value === connection })?.key
        else { return ControlReply(.refused, "no history is kept here (poise events says why)") }
        let now = Int(wallNow)
        let seconds = call.parameters["since"]?.integer ?? 86_400
        let points = call.parameters["points"]?.integer ?? 1440
        guard (1...100_000_000).contains(seconds), (1...1440).contains(points) else {
            return ControlReply(
                .badParameters, "since is a number of seconds, points is 1 to 1440")
        }
        // What is not a whole minute yet is told too, as far as plans have changed.
        history.add([], historyFeed.takeChanges(), now: now, on: nil)
        history.ask(token, feature, since: now - seconds, now: now, points: points)
        connection.awaited = name
        return nil
    }

    func takeHistory() {
        for news in history?.takeNews() ?? [] {
            switch news {
            case .remark(let text): say("degraded", nil, text)
            case .noAnswer(let token, let because):
                answerAwaited(token) { _ in ControlReply(.refused, because) }
            case .answer(let token, let found):
                answerAwaited(token) { name in
                    if let found { return ControlReply(found.json(of: name)) }
                    let known = engine.records.keys.contains { $0.name == name }
                    return known
                        ? ControlReply(FeatureHistory.none.json(of: name)) : noFeature(name)
                }
            }
        }
    }
}

extension FeatureHistory {
    static let none = FeatureHistory(minutesAPoint: 1, points: [], changes: [])

    /// The answer to `poise history`.
    func json(of feature: String) -> JSON {
        [
            "feature": .string(feature), "minutesAPoint": .integer(minutesAPoint),
            "points": .array(
                points.map { point in
                    [
                        "time": .integer(point.minute * 60),
                        "demandMillicores": JSON(point.demandMean),
                        "demandPeakMillicores": JSON(point.demandPeak),
                        "usedMillicores": JSON(point.usedMean),
                        "allocatedMillicores": JSON(point.allocatedMean),
                        "lentMillicores": JSON(point.lentMean),
                        "borrowedMillicores": JSON(point.borrowedMean),
                        "cpuPressurePerMille": JSON(point.pressureMean),
                    ]
                }),
            "changes": .array(
                changes.map { change in
                    [
                        "time": .integer(change.time),
                        "beforeMillicores": JSON(change.beforeMillicores),
                        "afterMillicores": JSON(change.afterMillicores),
                        "cpus": .string(change.cpus), "because": .string(change.because),
                    ]
                }),
        ]
    }
}
