/// placeholder, replaced below
package struct AnomalyDetector: Sendable {
    package init() {}
    package mutating func score(value: Double, at time: EventTime) -> Double { 0 }
}
