import Glibc
import PoiseDaemon

exit(DaemonMain.run(Array(CommandLine.arguments.dropFirst())))
