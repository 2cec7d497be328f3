import Glibc
import PoiseCLI

exit(Program.run(CommandLine.arguments.dropFirst(), console: .standard()).rawValue)
