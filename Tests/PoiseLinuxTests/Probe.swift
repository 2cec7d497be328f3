import Glibc
import PoiseLinux
import PoiseModel
import PoiseTestSupport
import Testing

/// A small C program that tells what it was started with, or makes threads.
enum Probe {
    /// Nil where there is no C compiler.
    static let path: String? = {
        do {
            let compiler = try ProgramSearch.path(of: "cc", in: nil)
            let folder = "/tmp/poise-probe-\(getpid())"
            // Other users run it too.
            mkdir(folder, 0o700)
            chmod(folder, 0o755)
            atexit { TemporaryFolder.remove("/tmp/poise-probe-\(getpid())") }
            try AtomicFile.write("\(folder)/probe.c", Array(source.utf8))
            let arguments = ["-pthread", "-o", "\(folder)/probe", "\(folder)/probe.c"]
            let compilation = try Running(compiler, arguments)
            return try compilation.end() == .exited(code: 0) ? "\(folder)/probe" : nil
        } catch {
            return nil
        }
    }()

    static var isThere: Bool { path != nil }

    /// Whether this process's own files are its own, which a change of the user would end.
    static var isDumpable: Bool {
        var facts = stat()
        return stat("/proc/self/environ", &facts) == 0 && facts.st_uid == geteuid()
    }

    /// Starts it.
    static func start(
        _ arguments: [String], adjust: (inout SpawnRequest) -> Void = { _ in }
    ) throws -> Running {
        try Running(try #require(path), arguments, adjust: adjust)
    }

    /// Its two ways.
    ///
    /// `facts` prints what it finds itself with, one `key value` a line. `threads CPU` makes three
    /// threads, the last pinned to CPU, and prints their numbers; at a line of input it makes
    /// another thread and a process, and prints theirs; at the end of input it ends. `connect PATH`
    /// connects to a socket and stays until the end of input.
    private static let source = #"""
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <pthread.h>
        #include <sched.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/un.h>
        #include <unistd.h>

        static pthread_barrier_t barrier;
        static int numbers[8];
        static int pinned = -1;

        static void *rest(void *place) {
            int index = (int)(long)place;
            if (index == 2 && pinned >= 0) {
                cpu_set_t one;
                CPU_ZERO(&one);
                CPU_SET(pinned, &one);
                sched_setaffinity(0, sizeof one, &one);
            }
            numbers[index] = gettid();
            pthread_barrier_wait(&barrier);
            while (1) pause();
        }

        static int threads(const char *cpu) {
            pthread_t thread;
            pinned = atoi(cpu);
            pthread_barrier_init(&barrier, NULL, 4);
            for (long i = 0; i < 3; i++) pthread_create(&thread, NULL, rest, (void *)i);
            pthread_barrier_wait(&barrier);
            printf("%d %d %d\n", numbers[0], numbers[1], numbers[2]);
            fflush(stdout);
            if (getchar() == EOF) return 0;
            pthread_barrier_init(&barrier, NULL, 2);
            pthread_create(&thread, NULL, rest, (void *)3);
            pthread_barrier_wait(&barrier);
            int child = fork();
            if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (1) pause();
            }
            printf("%d %d\n", numbers[3], child);
            fflush(stdout);
            while (getchar() != EOF) continue;
            kill(child, SIGKILL);
            return 0;
        }

        static int facts(void) {
            int death = 0;
            struct rlimit limit;
            sigset_t mask;
            prctl(PR_GET_PDEATHSIG, &death);
            printf("death %d\nnice %d\n", death, getpriority(PRIO_PROCESS, 0));
            printf("policy %d\nleader %d\n", sched_getscheduler(0), getsid(0) == getpid());
            getrlimit(RLIMIT_DATA, &limit);
            printf("data %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
            getrlimit(RLIMIT_NOFILE, &limit);
            printf("files %ld\n", (long)limit.rlim_cur);
            sigprocmask(SIG_BLOCK, NULL, &mask);
            int blocked = 0, unusual = 0;
            for (int i = 1; i < NSIG; i++) {
                struct sigaction now;
                blocked += sigismember(&mask, i) == 1;
                if (sigaction(i, NULL, &now) == 0) unusual += now.sa_handler != SIG_DFL;
            }
            printf("blocked %d\nunusual %d\nopen", blocked, unusual);
            for (int i = 0; i < 1000; i++)
                if (dup2(i, i) == i) printf(" %d", i);
            printf("\ncpus");
            cpu_set_t cpus;
            sched_getaffinity(0, sizeof cpus, &cpus);
            for (int i = 0; i < CPU_SETSIZE; i++)
                if (CPU_ISSET(i, &cpus)) printf(" %d", i);
            char folder[4096] = "";
            printf("\nfolder %s\n", getcwd(folder, sizeof folder));
            return 0;
        }

        static int connect_to(const char *path) {
            struct sockaddr_un address = {.sun_family = AF_UNIX};
            strncpy(address.sun_path, path, sizeof address.sun_path - 1);
            int client = socket(AF_UNIX, SOCK_STREAM, 0);
            if (connect(client, (struct sockaddr *)&address, sizeof address) < 0) return 1;
            while (getchar() != EOF) continue;
            return 0;
        }

        int main(int count, char **words) {
            if (count == 3 && strcmp(words[1], "connect") == 0) return connect_to(words[2]);
            if (count == 2 && strcmp(words[1], "facts") == 0) return facts();
            if (count == 3 && strcmp(words[1], "threads") == 0) return threads(words[2]);
            return 2;
        }

        """#
}

/// What this process may do here; a test that needs more is skipped.
enum Here {
    /// The CPUs that this process may use.
    static let cpus = ProcessFiles.status(of: getpid())?.cpus ?? []
    static var hasTwoCPUs: Bool { cpus.count >= 2 }

    /// Whether this process has a capability, by its number in `capability.h`.
    static func can(_ capability: Int) -> Bool {
        let lines = ProcessFiles.text("/proc/self/status")?.split(separator: "\n") ?? []
        let mask = lines.first { $0.hasPrefix("CapEff:") }?.split(separator: "\t").last
        return mask.flatMap { UInt64($0, radix: 16) }.map { $0 >> UInt64(capability) & 1 == 1 }
            ?? false
    }

    static let groupsSessions =
        ProcessFiles.text("/proc/sys/kernel/sched_autogroup_enabled") == "1\n"
    /// Any user and group, and to take capabilities from others.
    static let canBecomeAnyone = can(6) && can(7) && can(8)
    static let canMount = can(21)
    static let canLowerNice = can(23)
    static let canRaiseLimits = can(24)
}
