// The program in the guest that runs what the host sends, over virtio-serial ports.
//
// Host to guest, on the port poise.ctl:
//   RUN NONCE SECONDS BYTES\n   and BYTES of script: run by bash as root, killed after SECONDS
//   SHELL NONCE ROWS COLUMNS TERM\n   a login shell on a terminal, bridged to the port poise.tty
//   SIZE ROWS COLUMNS\n         the terminal's new size, while there is a shell
//   CLOCK SECONDS\n             sets the time of day (a saved machine wakes up in the past)
// Guest to host, on the port poise.ctl:
//   READY SECONDS\n             once, after boot
//   what a script prints, as it comes, then \n@@NONCE CODE MILLISECONDS\n
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMED_OUT = 124, RETRY_MICROSECONDS = 5000 };

static int control = -1;

// Reads the name that QEMU gave a virtio port, without its newline.
static void port_name(const char *port, char *name, size_t size) {
  char path[300];
  snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", port);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = file < 0 ? 0 : read(file, name, size - 1);
  if (file >= 0) close(file);
  name[count > 0 ? count : 0] = 0;
  name[strcspn(name, "\n")] = 0;
}

// Opens the port of a name; waits up to ten seconds until the driver has it.
static int open_port(const char *wanted) {
  for (int attempt = 0; attempt < 500; attempt++) {
    DIR *ports = opendir("/sys/class/virtio-ports");
    struct dirent *entry;
    while (ports && (entry = readdir(ports))) {
      char name[64], path[300];
      port_name(entry->d_name, name, sizeof name);
      if (strcmp(name, wanted)) continue;
      snprintf(path, sizeof path, "/dev/%s", entry->d_name);
      closedir(ports);
      return open(path, O_RDWR | O_CLOEXEC);
    }
    if (ports) closedir(ports);
    usleep(20000);
  }
  return -1;
}

static void write_all(int file, const char *bytes, size_t count) {
  while (count) {
    ssize_t written = write(file, bytes, count);
    if (written >= 0) {
      bytes += written;
      count -= written;
    } else if (errno == EINTR || errno == EAGAIN) {
      usleep(RETRY_MICROSECONDS);
    } else {
      return;
    }
  }
}

static char buffer[65536];
static size_t filled, taken;

// The next byte from the host; waits, also while no host is connected.
static int next_byte(void) {
  while (taken == filled) {
    ssize_t count = read(control, buffer, sizeof buffer);
    if (count > 0) {
      taken = 0;
      filled = count;
    } else {
      usleep(RETRY_MICROSECONDS);
    }
  }
  return (unsigned char)buffer[taken++];
}

static void next_line(char *line, size_t size) {
  size_t length = 0;
  int byte;
  while ((byte = next_byte()) != '\n')
    if (length < size - 1) line[length++] = byte;
  line[length] = 0;
}

static void set_clock(double seconds) {
  time_t whole = seconds;
  struct timespec now = {whole, (long)((seconds - whole) * 1e9)};
  clock_settime(CLOCK_REALTIME, &now);
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Says how a script or shell ended.
static void tell_end(const char *nonce, int code, long started) {
  char line[128];
  int length =
      snprintf(line, sizeof line, "\n@@%s %d %ld\n", nonce, code, milliseconds() - started);
  write_all(control, line, length);
}

static int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Runs a script with the port as its output. A login shell: /etc/profile sets its environment.
static void run_script(const char *nonce, int seconds, size_t length) {
  char *script = malloc(length + 1);
  for (size_t at = 0; at < length; at++) script[at] = next_byte();
  script[length] = 0;
  long started = milliseconds();
  pid_t child = fork();
  if (!child) {
    setsid();
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(control, 1);
    dup2(control, 2);
    execl("/bin/bash", "bash", "-l", "-c", script, (char *)0);
    _exit(127);
  }
  free(script);
  struct pollfd end = {syscall(SYS_pidfd_open, child, 0), POLLIN, 0};
  bool late = poll(&end, 1, seconds * 1000) == 0;
  if (late) kill(-child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  close(end.fd);
  tell_end(nonce, late ? TIMED_OUT : exit_code(status), started);
}

// Copies what is there from one descriptor to another; false at the end.
static bool pass_on(int from, int to) {
  char bytes[4096];
  ssize_t count = read(from, bytes, sizeof bytes);
  if (count > 0) write_all(to, bytes, count);
  return count > 0 || (count < 0 && errno == EAGAIN);
}

// A login shell on a new terminal, until it ends. Meanwhile the host may only send SIZE.
static void run_shell(const char *nonce, struct winsize size, const char *term) {
  int data = open_port("poise.tty"), terminal;
  long started = milliseconds();
  pid_t child = forkpty(&terminal, 0, 0, &size);
  if (!child) {
    setenv("TERM", term, 1);
    if (chdir("/root")) _exit(126);
    execl("/bin/bash", "bash", "-l", (char *)0);
    _exit(127);
  }
  struct pollfd watched[] = {{terminal, POLLIN, 0}, {data, POLLIN, 0}, {control, POLLIN, 0}};
  while (poll(watched, 3, -1) >= 0) {
    if ((watched[0].revents & (POLLIN | POLLHUP)) && !pass_on(terminal, data)) break;
    if (watched[1].revents & POLLIN) pass_on(data, terminal);
    if (watched[2].revents & POLLIN) do {
        char line[256];
        next_line(line, sizeof line);
        if (sscanf(line, "SIZE %hu %hu", &size.ws_row, &size.ws_col) == 2)
          ioctl(terminal, TIOCSWINSZ, &size);
      } while (taken < filled);
  }
  int status = 0;
  close(terminal);
  waitpid(child, &status, 0);
  close(data);
  tell_end(nonce, exit_code(status), started);
}

int main(void) {
  control = open_port("poise.ctl");
  if (control < 0) return 1;
  char line[256];
  write_all(control, line, snprintf(line, sizeof line, "READY %ld\n", milliseconds() / 1000));
  for (;;) {
    char nonce[64], term[64];
    struct winsize size = {0};
    double time_of_day;
    int seconds;
    size_t length;
    next_line(line, sizeof line);
    if (sscanf(line, "CLOCK %lf", &time_of_day) == 1) set_clock(time_of_day);
    if (sscanf(line, "RUN %63s %d %zu", nonce, &seconds, &length) == 3)
      run_script(nonce, seconds, length);
    if (sscanf(line, "SHELL %63s %hu %hu %63s", nonce, &size.ws_row, &size.ws_col, term) == 4)
      run_shell(nonce, size, term);
  }
}
