import PoiseHardware
import PoiseModel
import Testing

@Suite struct ProfileGeneratorTests {
    // The generator needs a C compiler and pkg-config, which a machine that only runs tests lacks.
    @Test(
        .enabled(
            if: run("sh", "-c", "cc --version && pkg-config hwloc >/dev/null") == 0,
            "no C compiler or no hwloc headers"))
    func theProfilesAreWhatTheirFactsGive() throws {
        let folder = TemporaryFolder()
        #expect(run("sh", Recordings.checkout + "/scripts/hwprofiles/make", folder.path) == 0)
        let names = MachineSource.profiles(in: [Recordings.checkout + "/hwprofiles"])
        #expect(MachineSource.profiles(in: [folder.path]) == names)
        for name in names {
            // As machines, not as bytes: another hwloc may write other attributes.
            let made = try Machine.discover(from: .profile(name), profileFolders: [folder.path])
            let kept = try Machine.discover(
                from: .profile(name), profileFolders: [Recordings.checkout + "/hwprofiles"])
            #expect(made == kept, "\(name): run scripts/hwprofiles/make")
        }
    }
}
