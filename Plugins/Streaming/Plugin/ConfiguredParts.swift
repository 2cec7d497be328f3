import PoiseModel
import StreamingCore

extension StreamingConfiguration {
    /// What the pipeline is to do.
    var settings: Pipeline.Settings {
        var settings = Pipeline.Settings(shape: shape)
        settings.lateness = lateness
        settings.idle = idle
        settings.anomalyThreshold = anomalyThreshold
        settings.mostKeys = mostKeys
        settings.writesResults = output != .none
        return settings
    }

    /// The source; `onListen` is told the port of a TCP source.
    func makeSource(onListen: @escaping @Sendable (Int) -> Void) -> any EventSource {
        switch source {
        case .system(let period): SystemSource(period: period, load: load)
        case .file(let path, let again): FileSource(path: path, isFolder: false, again: again)
        case .folder(let path, let again): FileSource(path: path, isFolder: true, again: again)
        case .tcp(let address, let port):
            TCPSource(address: address, port: port, onListen: onListen)
        case .command(let words): CommandSource(words: words)
        }
    }

    /// The output, with a relative path taken to be in the feature's own folder.
    func output(in folder: String) -> Output {
        guard case .file(let path) = output, !path.hasPrefix("/") else { return output }
        return .file(folder + "/" + path)
    }
}
