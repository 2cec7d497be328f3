import PoiseModel

extension FeaturePolicy {
    /// The feature while its breaker is half open: with this part of its cores, and no more however
    /// much it asks for. Whole cores stay whole, one of each class at least; its memory stays,
    /// because with less than it needs a feature only fails again.
    func onTrial(percent: Int) -> FeaturePolicy {
        var feature = self
        let unit = isExclusive ? 1000 : 1
        for coreClass in CoreClass.allCases {
            guard let wish = cores[coreClass] else { continue }
            // Rounded down to whole units, and never to nothing.
            let part = { (amount: Int) in
                amount == 0 ? 0 : min(amount, max(unit, amount * percent / 100 / unit * unit))
            }
            let (least, most) = (part(wish.min), part(wish.want))
            feature.cores[coreClass] = CoreWish(
                min: least, want: max(least, most), max: max(least, most),
                fallback: wish.fallback)
        }
        feature.borrow = false
        return feature
    }
}
