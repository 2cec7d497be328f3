import PoiseModel
import PoiseSimulator

/// Who had what, when: a simulation's course as one SVG file that needs nothing else.
///
/// Above, what features were entitled to, stacked, with what was in use and what arrived. Below, a
/// strip for each feature: what it had and used, the pressure it felt, and marks where it left CPUs
/// or fell below its minimum. Readable on light and on dark pages.
struct SimulationChart {
    private let result: SimulationResult
    /// Features that have a strip and a colour of their own, highest priority first.
    private let shown: [Int]
    private let rest: [Int]
    private let axis: ChartAxis
    private var svg = SVGText()

    private static let width = 1200.0
    private static let left = 150.0
    private static let right = 1176.0
    private static let top = 104.0
    private static let mainHeight = 300.0
    private static let stripHeight = 58.0
    private static let stripGap = 14.0
    private static let mostStrips = 24

    init(_ result: SimulationResult) {
        self.result = result
        let order = result.features.indices.sorted { first, second in
            let (a, b) = (result.features[first], result.features[second])
            return (b.priority, a.feature) < (a.priority, b.feature)
        }
        shown = Array(order.prefix(Self.mostStrips))
        rest = Array(order.dropFirst(Self.mostStrips))
        axis = ChartAxis(seconds: result.length.inSeconds, left: Self.left, right: Self.right)
    }

    /// The whole file.
    var text: String {
        var chart = self
        chart.draw()
        return chart.svg.text
    }

    private var stripsTop: Double { Self.top + Self.mainHeight + 44 }
    private var stripsBottom: Double {
        stripsTop + Double(shown.count) * (Self.stripHeight + Self.stripGap) - Self.stripGap
    }
    private var height: Double { stripsBottom + 74 }

    private mutating func draw() {
        let size = "\(SVGText.number(Self.width)) \(SVGText.number(height))"
        svg.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" role=\"img\">")
        svg.raw("<title>\(SVGText.escaped(title))</title>")
        svg.raw(ChartColours.style)
        svg.rectangle(0, 0, Self.width, height, "class=\"page\"")
        svg.words(24, 34, title, "class=\"title\"")
        svg.words(24, 56, subtitle, "class=\"quiet\"")
        drawLegend()
        drawMain()
        for (row, feature) in shown.enumerated() { drawStrip(row, feature) }
        drawTime()
        svg.raw("</svg>")
    }

    private var title: String {
        "Who had what: policy \(result.policy) on \(result.machine)"
    }

    private var subtitle: String {
        let breaches = result.features.reduce(0) { $0 + $1.minimumBreaches }
        let moved = result.features.reduce(0) { $0 + $1.movedCPUs }
        let parts = [
            "load \(result.trace)", QuantityText.duration(result.length),
            "\(result.decisions) decisions", "\(moved) CPUs moved",
            "\(breaches) breaches of a minimum",
        ]
        let further = result.chart.furtherMarks
        return (parts + (further > 0 ? ["\(further) further marks not drawn"] : []))
            .joined(separator: " · ")
    }

    private mutating func drawLegend() {
        let y = 82.0
        var x = Self.left
        svg.rectangle(x, y - 10, 14, 11, "class=\"sample\"")
        svg.words(x + 20, y, "had (entitled)")
        x += 130
        svg.line(x, y - 4, x + 18, y - 4, "class=\"used\"")
        svg.words(x + 24, y, "in use")
        x += 92
        svg.line(x, y - 4, x + 18, y - 4, "class=\"arriving\"")
        svg.words(x + 24, y, "work arriving, in performance cores\u{2019} worth")
        x += 326
        svg.rectangle(x, y - 8, 18, 7, "class=\"pressure\"")
        svg.words(x + 24, y, "waited for a CPU")
        x += 148
        drawMove(x + 6, y)
        svg.words(x + 18, y, "left CPUs")
        x += 100
        drawBreach(x + 6, y - 4)
        svg.words(x + 18, y, "below its minimum")
    }

    private mutating func drawMove(_ x: Double, _ bottom: Double) {
        let n = SVGText.number
        svg.path(
            "M\(n(x - 4)) \(n(bottom - 8))L\(n(x + 4)) \(n(bottom - 8))L\(n(x)) \(n(bottom))Z",
            "class=\"move\"")
    }

    private mutating func drawBreach(_ x: Double, _ y: Double) {
        let n = SVGText.number
        svg.path(
            "M\(n(x - 4)) \(n(y - 4))L\(n(x + 4)) \(n(y + 4))M\(n(x - 4)) \(n(y + 4))"
                + "L\(n(x + 4)) \(n(y - 4))",
            "class=\"breach\"")
    }
}

// The stack of all features.
extension SimulationChart {
    private mutating func drawMain() {
        let bottom = Self.top + Self.mainHeight
        let bins = result.chart.bins
        let sums = bins.map { bin in
            (used: bin.used.reduce(0, +), arriving: bin.arriving.reduce(0, +))
        }
        let cores = Double(result.chart.cores)
        let most = max(cores, sums.map(\.arriving).max() ?? 0) * 1.04
        let scale = ChartScale(most: most, top: Self.top, bottom: bottom)
        for tick in scale.ticks {
            let y = scale.y(tick)
            svg.line(Self.left, y, Self.right, y, "class=\"grid\"")
            let words = QuantityText.decimal(tick, digits: 2)
            svg.words(Self.left - 8, y + 4, words, "text-anchor=\"end\"")
        }
        var floor = [Double](repeating: 0, count: bins.count)
        // The highest priority lies at the bottom, where its changes are easiest to read.
        let layers = shown.map { [$0] } + (rest.isEmpty ? [] : [rest])
        for (number, members) in layers.enumerated() {
            var ceiling = floor
            for (index, bin) in bins.enumerated() {
                for member in members { ceiling[index] += bin.allocated[member] }
            }
            let colour = members.count > 1 ? "others" : ChartColours.className(number)
            svg.path(axis.band(floor, ceiling, bins, result.chart, scale), "class=\"\(colour)\"")
            floor = ceiling
        }
        svg.path(axis.steps(sums.map(\.arriving), result.chart, scale), "class=\"arriving\"")
        svg.path(axis.steps(sums.map(\.used), result.chart, scale), "class=\"used\"")
        svg.line(Self.left, scale.y(cores), Self.right, scale.y(cores), "class=\"limit\"")
        svg.words(
            Self.right, scale.y(cores) - 5, "all \(result.chart.cores) cores",
            "text-anchor=\"end\" class=\"quiet\"")
        svg.line(Self.left, bottom, Self.right, bottom, "class=\"axis\"")
        let middle = Self.top + Self.mainHeight / 2
        let turn = "transform=\"rotate(-90 96 \(SVGText.number(middle)))\""
        svg.words(96, middle, "cores", "text-anchor=\"middle\" \(turn)")
        drawTicks(from: Self.top, to: bottom, named: true)
    }

    private mutating func drawTicks(from top: Double, to bottom: Double, named: Bool) {
        for tick in axis.ticks {
            let x = axis.x(tick)
            svg.line(x, bottom, x, bottom + 5, "class=\"axis\"")
            guard named else { continue }
            svg.words(x, bottom + 19, axis.label(tick), "text-anchor=\"middle\"")
        }
    }

    private mutating func drawTime() {
        drawTicks(from: stripsTop, to: stripsBottom, named: true)
        svg.words(
            (Self.left + Self.right) / 2, stripsBottom + 42,
            "time since the start, in \(axis.unit)",
            "text-anchor=\"middle\"")
        guard !rest.isEmpty else { return }
        svg.words(
            24, stripsBottom + 60,
            "\(rest.count) more features are in the stack only (grey)", "class=\"quiet\"")
    }
}

// One strip a feature.
extension SimulationChart {
    private mutating func drawStrip(_ row: Int, _ feature: Int) {
        let top = stripsTop + Double(row) * (Self.stripHeight + Self.stripGap)
        let bottom = top + Self.stripHeight
        let one = result.features[feature]
        let bins = result.chart.bins
        let zeros = [Double](repeating: 0, count: bins.count)
        let had = bins.map { $0.allocated[feature] }
        let used = bins.map { $0.used[feature] }
        let arriving = bins.map { $0.arriving[feature] }
        let most = max(had.max() ?? 0, used.max() ?? 0, arriving.max() ?? 0, 0.1)
        let scale = ChartScale(most: most * 1.08, top: top + 10, bottom: bottom - 8)
        svg.rectangle(Self.left, top, Self.right - Self.left, Self.stripHeight, "class=\"strip\"")
        svg.rectangle(24, top + 8, 12, 12, "class=\"\(ChartColours.className(row))\"")
        svg.words(42, top + 18, Self.short(one.feature.name), "class=\"name\"")
        svg.words(42, top + 34, "priority \(one.priority)", "class=\"quiet\"")
        if let lost = Self.lost(one) { svg.words(42, top + 50, lost, "class=\"quiet\"") }
        svg.words(
            Self.left - 6, top + 20, QuantityText.decimal(most, digits: most < 10 ? 1 : 0),
            "text-anchor=\"end\" class=\"quiet\"")
        svg.words(Self.left - 6, bottom - 6, "0", "text-anchor=\"end\" class=\"quiet\"")
        let colour = ChartColours.className(row)
        svg.path(
            axis.band(zeros, had, bins, result.chart, scale), "class=\"\(colour)\"")
        svg.path(axis.steps(arriving, result.chart, scale), "class=\"arriving\"")
        svg.path(axis.steps(used, result.chart, scale), "class=\"used\"")
        drawPressure(bins.map { $0.pressed[feature] }, bottom - 7)
        drawMarks(of: feature, top, bottom)
        svg.line(Self.left, bottom, Self.right, bottom, "class=\"axis\"")
    }

    private static func short(_ name: String) -> String {
        name.count > 13 ? String(name.prefix(12)) + "\u{2026}" : name
    }

    private static func lost(_ one: SimulationResult.Feature) -> String? {
        if one.keptOutBecause != nil { return "kept out" }
        guard one.arrivedWork > 0 else { return "no load" }
        let percent = one.unservedWork / one.arrivedWork * 100
        return percent < 0.05
            ? nil : "\(QuantityText.decimal(percent, digits: 1)) % lost"
    }

    /// Boxes as dark as the part of the time in which it waited; equal neighbours are one box.
    private mutating func drawPressure(_ pressed: [Double], _ y: Double) {
        var start = 0
        let level = { (value: Double) in Int((value * 10).rounded(.up)) }
        for index in pressed.indices {
            let isLast = index + 1 == pressed.count
            guard isLast || level(pressed[index + 1]) != level(pressed[start]) else { continue }
            if level(pressed[start]) > 0 {
                let from = axis.x(Double(start) * result.chart.binSeconds)
                let to = axis.x(Double(index + 1) * result.chart.binSeconds)
                let shade = SVGText.number(0.25 + 0.075 * Double(level(pressed[start])))
                svg.rectangle(
                    from, y, to - from, 6, "class=\"pressure\" fill-opacity=\"\(shade)\"")
            }
            start = index + 1
        }
    }

    /// Marks nearer to each other than they are wide are one.
    private mutating func drawMarks(of feature: Int, _ top: Double, _ bottom: Double) {
        var lastMove = -100.0
        var lastBreach = -100.0
        for mark in result.chart.marks where mark.feature == feature {
            let x = axis.x(mark.seconds)
            switch mark.kind {
            case .moved:
                guard x - lastMove >= 4 else { continue }
                lastMove = x
                drawMove(x, top + 9)
            case .breach:
                guard x - lastBreach >= 6 else { continue }
                lastBreach = x
                drawBreach(x, bottom - 14)
            }
        }
    }
}
