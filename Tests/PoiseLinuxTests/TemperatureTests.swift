import Glibc
import PoiseLinux
import PoiseTestSupport
import Testing

@Suite struct TemperatureTests {
    /// Files as `sysfs` has them: paths below it, and what is in each.
    private func sysfs(_ files: [String: String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (path, text) in files {
            var made = folder.path
            for part in path.split(separator: "/").dropLast() {
                made += "/\(part)"
                mkdir(made, 0o755)
            }
            let file = try #require(fopen("\(folder.path)/\(path)", "w"))
            fputs(text, file)
            fclose(file)
        }
        return folder
    }

    @Test func `the hottest sensor of the processors counts, whoever names it`() throws {
        let folder = try sysfs([
            "class/hwmon/hwmon0/name": "nvme\n", "class/hwmon/hwmon0/temp1_input": "99000\n",
            "class/hwmon/hwmon3/name": "k10temp\n", "class/hwmon/hwmon3/temp1_input": "61500\n",
            "class/hwmon/hwmon3/temp3_input": "64250\n",
            "class/thermal/thermal_zone0/type": "acpitz\n",
            "class/thermal/thermal_zone0/temp": "90000\n",
            "class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
            "class/thermal/thermal_zone1/temp": "63000\n",
            "class/thermal/thermal_zone2/type": "iwlwifi_1\n",
            "class/thermal/thermal_zone2/temp": "98000\n",
        ])
        let temperature = ProcessorTemperature(sysfs: folder.path)
        #expect(temperature.count == 3)
        #expect(temperature.read() == 64250)
        withExtendedLifetime(folder) {}
    }

    @Test func `the firmware's sensor counts only where there is no better one`() throws {
        let folder = try sysfs([
            "class/thermal/thermal_zone0/type": "acpitz\n",
            "class/thermal/thermal_zone0/temp": "41000\n",
        ])
        withExtendedLifetime(folder) {
            #expect(ProcessorTemperature(sysfs: folder.path).read() == 41000)
        }
    }

    @Test func `what cannot be read or cannot be is not known`() throws {
        let folder = try sysfs([
            "class/hwmon/hwmon0/name": "coretemp\n", "class/hwmon/hwmon0/temp1_input": "\n",
            "class/hwmon/hwmon0/temp2_input": "2147483647\n",
        ])
        withExtendedLifetime(folder) {
            #expect(ProcessorTemperature(sysfs: folder.path).read() == nil)
        }
        #expect(ProcessorTemperature(sysfs: "/nowhere").read() == nil)
    }
}
