/// All commands, in the order in which help lists them.
enum CommandTable {
    static let commands: [Command] = [
        TopologyCommand.command, PlanCommand.command, PolicyCheckCommand.command,
        PolicyDiffCommand.command, SimulateCommand.command, DoctorCommand.command,
        ReplayCommand.command,
        BenchPlanCommand.command, BenchApplyCommand.command, BenchExplainCommand.command,
        BenchUtilisationCommand.command, BenchPlacementCommand.command,
        BenchSolverCommand.command, BenchStabilityCommand.command,
        BenchBusCommand.command,
        PluginNewCommand.command, PluginCheckCommand.command, CompletionsCommand.command,
        StatusCommand.command, HealthCommand.command, AllocationsCommand.command,
        ExplainCommand.command,
        WhyNotCommand.command, HistoryCommand.command, EventsCommand.command,
        FeatureCommands.start, FeatureCommands.stop, FeatureCommands.restart,
        FeatureCommands.enable, FeatureCommands.disable,
        BreakerCommand.command, BreakerCommands.reset, BreakerCommands.hold,
        LevelCommand.command,
        PolicyApplyCommand.command, PluginListCommand.command, PluginRolloutCommand.command,
        PluginRollbackCommand.command, PluginRolloutsCommand.command, RunCommand.command,
        BusRoutesCommand.command, BusTopCommand.command, BusTraceCommand.command,
        ChaosInjectCommand.command, ChaosRunCommand.command, ChaosListCommand.command,
    ]

    /// Commands that ask a daemon when there is one, and do without.
    static let worksAlone: Set<String> = ["topology", "completions"]
}
