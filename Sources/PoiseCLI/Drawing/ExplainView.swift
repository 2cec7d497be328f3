import PoiseEngine
package import PoiseModel

/// Shows to people why one feature has what it has.
package struct ExplainView {
    private let answer: JSON
    private let console: Console

    package init(_ answer: JSON, console: Console) {
        self.answer = answer
        self.console = console
    }

    package var lines: [String] {
        let state = answer["state"]?.string ?? console.glyphs.unknown
        let name = console.paint(.bold, answer["feature"]?.string ?? "")
        let style = StatusView.style(of: state)
        let shown = style.map { console.paint($0, state) } ?? state
        let because = answer["because"]?.string ?? console.glyphs.unknown
        var lines = ["\(name)\(console.glyphs.separator)\(shown)"]
        lines += part("has", has) + part("because", because) + part("wants", wants)
        for unmet in answer["unmet"]?.array ?? [] {
            let why = unmet["because"]?.string ?? ""
            lines += part("unmet", "\(UnmetWords.short(unmet)): \(why)")
        }
        for line in answer["allocation"]?["notHeld"]?.array ?? [] {
            let text = "\(line["setting"]?.string ?? ""): \(line["because"]?.string ?? "")"
            lines += part("not held", text)
        }
        let events = EventLines(answer["events"]?.array ?? [], console: console).lines
        return lines + (events.isEmpty ? [] : ["", console.paint(.bold, "Last events")] + events)
    }

    private func part(_ label: String, _ text: String) -> [String] {
        Paragraph(label: label, labelWidth: 8).lines(text, console)
    }

    private var has: String {
        guard let allocation = answer["allocation"], allocation != .null else { return "nothing" }
        var parts: [String] = []
        if let cores = allocation["millicores"]?.integer {
            parts.append("\(QuantityText.cores(cores)) core\(cores == 1000 ? "" : "s") of time")
        }
        for (key, words) in [
            ("exclusive", "CPUs of its own"), ("shared", "CPUs shared"),
            ("borrowed", "CPUs borrowed"), ("nodes", "memory of node"),
        ] {
            guard let set = allocation[key]?.string, !set.isEmpty else { continue }
            parts.append("\(words) \(set)")
        }
        if let bytes = allocation["memory"]?["maxBytes"]?.integer {
            parts.append("at most \(QuantityText.bytes(bytes)) of memory")
        }
        for share in allocation["accelerators"]?.array ?? [] {
            parts.append(share["id"]?.string ?? "")
        }
        return parts.isEmpty ? console.glyphs.unknown : parts.joined(separator: ", ")
    }

    /// What it needs now, class by class, from millicores; `null` is "as the policy wants".
    private var wants: String {
        let wishes = CoreClass.allCases.compactMap { coreClass -> String? in
            guard let amount = answer["demand"]?[coreClass.rawValue]?.integer else { return nil }
            return Unmet.Resource.cores(coreClass).words(amount)
        }
        return wishes.isEmpty ? "what its policy says" : wishes.joined(separator: ", ")
    }
}
