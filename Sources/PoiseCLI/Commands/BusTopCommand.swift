import Glibc
import PoiseModel
import PoiseWire

/// `poise bus top`: what goes over the bus.
enum BusTopCommand {
    static let command = Command(
        path: ["bus", "top"], summary: "show messages per second, depths, drops and delays",
        options: [
            .init(name: "once", help: "one table, of the second from now, instead of one a second"),
            .json, .runtimeFolder,
        ],
        notes: [
            "Bytes are those of the rings, with headers. Delays are of one message in 256,",
            "from when it was sent to when it was read.",
        ],
        examples: [
            .init("poise bus top", "each second anew, until Ctrl-C"),
            .init("poise bus top --once --json", "one second, for a program"),
        ]
    ) { (invocation, console) throws(CommandFailure) in
        let call = DaemonCall(invocation)
        var before = BusSnapshot(try call.ask(.busCounters))
        while true {
            usleep(1_000_000)
            let now = BusSnapshot(try call.ask(.busCounters))
            let rates = now.rates(since: before)
            before = now
            if invocation.wantsJSON {
                let json = JSON.object([.init("links", .array(rates.map(\.json)))])
                if invocation.has("once") {
                    console.print(json)
                } else {
                    console.print(json.description)
                }
            } else {
                console.beginPage(followsOthers: !invocation.has("once"))
                for line in BusTopView(rates, console: console).lines { console.print(line) }
            }
            try console.flush()
            if invocation.has("once") { return .done }
        }
    }
}
