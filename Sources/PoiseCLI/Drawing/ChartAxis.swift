import PoiseModel
import PoiseSimulator

/// The axis of time, from the left to the right.
struct ChartAxis {
    private let seconds: Double
    private let left: Double
    private let right: Double
    /// Seconds of the unit that ticks are named in.
    private let unitSeconds: Double
    /// `seconds`, `minutes` or `hours`.
    let unit: String
    let ticks: [Double]

    init(seconds: Double, left: Double, right: Double) {
        self.seconds = max(seconds, 0.001)
        self.left = left
        self.right = right
        (unitSeconds, unit) =
            seconds <= 300 ? (1, "seconds") : seconds <= 10_800 ? (60, "minutes") : (3600, "hours")
        let step = ChartScale.step(seconds / unitSeconds, about: 10) * unitSeconds
        ticks = (0...Int(seconds / step + 1e-9)).map { Double($0) * step }
    }

    func x(_ moment: Double) -> Double {
        left + (right - left) * min(1, max(0, moment / seconds))
    }

    func label(_ tick: Double) -> String {
        QuantityText.decimal(tick / unitSeconds, digits: 2)
    }

    /// A line that goes in steps over the stretches of time.
    func steps(
        _ values: [Double], _ chart: SimulationResult.Chart, _ scale: ChartScale
    ) -> String {
        guard let first = values.first else { return "" }
        var path = "M\(SVGText.number(left)) \(SVGText.number(scale.y(first)))"
        for (index, value) in values.enumerated() {
            if index > 0, value != values[index - 1] {
                path += "V\(SVGText.number(scale.y(value)))"
            }
            guard index + 1 == values.count || values[index + 1] != value else { continue }
            path += "H\(SVGText.number(x(Double(index + 1) * chart.binSeconds)))"
        }
        return path
    }

    /// The area between two lines that go in steps.
    func band(
        _ floor: [Double], _ ceiling: [Double], _ bins: [SimulationResult.Bin],
        _ chart: SimulationResult.Chart, _ scale: ChartScale
    ) -> String {
        var path = steps(ceiling, chart, scale)
        guard let last = floor.last else { return "" }
        path += "V\(SVGText.number(scale.y(last)))"
        for index in floor.indices.reversed() {
            guard index == 0 || floor[index - 1] != floor[index] else { continue }
            path += "H\(SVGText.number(x(Double(index) * chart.binSeconds)))"
            if index > 0 { path += "V\(SVGText.number(scale.y(floor[index - 1])))" }
        }
        return path + "Z"
    }
}

/// An axis of amounts, from the bottom up.
struct ChartScale {
    private let most: Double
    private let top: Double
    private let bottom: Double

    init(most: Double, top: Double, bottom: Double) {
        self.most = max(most, 1e-6)
        self.top = top
        self.bottom = bottom
    }

    func y(_ value: Double) -> Double { bottom - (bottom - top) * min(1, value / most) }

    var ticks: [Double] {
        let step = Self.step(most, about: 6)
        return (0...Int(most / step + 1e-9)).map { Double($0) * step }
    }

    /// 1, 2 or 5 times a power of ten, so that about so many steps fit.
    static func step(_ most: Double, about count: Double) -> Double {
        var power = 1.0
        while power * 10 <= most / count { power *= 10 }
        while power > most / count { power /= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= most / count } ?? power
    }
}

/// Colours that people with any colour vision tell apart (Okabe and Ito), for light and dark pages.
enum ChartColours {
    private static let features = [
        "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8A8A8A",
    ]

    /// The class of a feature's area, by its place in the order.
    static func className(_ number: Int) -> String { "f\(number % features.count)" }

    /// The style sheet of a chart.
    static var style: String {
        let areas = features.enumerated().map { number, colour in
            ".f\(number){fill:\(colour);fill-opacity:.62}"
        }.joined()
        return """
            <style>
            text{font:12px system-ui,"Segoe UI","Helvetica Neue",Arial,sans-serif;fill:#222}
            .title{font-size:19px;font-weight:600}.name{font-weight:600;font-size:13px}
            .quiet{fill:#666}
            .page{fill:#fff}.strip{fill:#f6f6f6}
            .grid{stroke:#ddd;stroke-width:1}.axis{stroke:#888;stroke-width:1}
            .limit{stroke:#888;stroke-width:1;stroke-dasharray:2 3}
            .used{fill:none;stroke:#111;stroke-width:1.3}
            .arriving{fill:none;stroke:#444;stroke-width:1;stroke-dasharray:4 3}
            .pressure{fill:#b00000}.move{fill:#111}
            .breach{fill:none;stroke:#d00000;stroke-width:2.4}
            .others{fill:#bbb}.sample{fill:#0072B2;fill-opacity:.62}
            \(areas)
            @media (prefers-color-scheme:dark){
            text{fill:#e6e6e6}.quiet{fill:#a0a0a0}.page{fill:#15181c}.strip{fill:#1e2228}
            .grid{stroke:#333941}.axis{stroke:#777}.limit{stroke:#999}
            .used{stroke:#fff}.arriving{stroke:#c8c8c8}.move{fill:#fff}
            .pressure{fill:#ff6b5e}.breach{stroke:#ff5a4d}
            }
            </style>
            """
    }
}
