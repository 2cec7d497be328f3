import CLinux
import Glibc

// poise-host: opens one plugin and calls it, for `poised` or for `poise plugin check`.
//
// Two threads: the first one reads orders, writes news and watches the signals; the second one is
// the plugin's, and makes every call into it. So a plugin that never returns stops neither the
// answers nor the end of this process.
poise_host_line_buffering()
switch HostArguments.parse(CommandLine.arguments) {
case .serve(let feature, let plugin, let channel, let sandbox):
    HostLoop.run(feature: feature, plugin: plugin, channel: channel, sandbox)
case .check(let path, let config, let sandbox):
    CheckWalk.run(path: path, config: config, sandbox)
case .strain(let strain, let milliseconds): strain.run(milliseconds: milliseconds)
case .help:
    print(HostArguments.usage)
case .wrong(let text):
    HostExit.end(.wrong, "reading the command line failed: \(text)\n\(HostArguments.usage)")
}
