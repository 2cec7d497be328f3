/// The demand of one feature in one minute, as history keeps it.
package struct DemandMinute: Sendable, Equatable, Codable {
    /// Minutes since 1970.
    package var minute: Int
    package var meanMillicores: Int
    package var peakMillicores: Int

    package init(minute: Int, meanMillicores: Int, peakMillicores: Int) {
        self.minute = minute
        self.meanMillicores = meanMillicores
        self.peakMillicores = peakMillicores
    }
}
