/* QEMU: its process, its sockets, and its commands over QMP. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define KVM_GET_API_VERSION 0xae00
/* The buffer of translated code is part of the pod's memory: core/deploy/pod-template.ts counts it. Units: MiB. */
#define EMULATED "tcg,tb-size=64"
#define MOST_ARGS 256
/* QEMU's sockets exist within 50 ms; on a busy node this takes seconds. */
#define OPEN_MS 15000

bool kvm_opens(const char **why)
{
  int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

  if (fd < 0) {
    *why = errno == ENOENT   ? "the pod has no /dev/kvm: ask for a device plugin's resource"
           : errno == EACCES ? "the pod's user may not open /dev/kvm: the node's containerd needs device_ownership_from_security_context"
                             : strerror(errno);
    return false;
  }
  bool is_usable = ioctl(fd, KVM_GET_API_VERSION, 0) == 12;

  *why = is_usable ? "/dev/kvm opens" : "/dev/kvm does not answer";
  close(fd);
  return is_usable;
}

/* QEMU's arguments: the lines of a file, plus the accelerator chosen here. */
static char **read_args(const char *path, const char *accel)
{
  static char *args[MOST_ARGS];
  static char text[65536];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  size_t count = 0;

  if (length < 0)
    fail("%s cannot be read: %s", path, strerror(errno));
  close(fd);
  text[length] = 0;
  args[count++] = QEMU;
  for (char *line = strtok(text, "\n"); line && count + 1 < MOST_ARGS; line = strtok(NULL, "\n")) {
    bool is_accel = strcmp(args[count - 1], "-accel") == 0;

    args[count++] = is_accel ? (char *)accel : line;
  }
  args[count] = NULL;
  return args;
}

static int connect_in_time(struct machine *machine, const char *dir, const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.sock", dir, name);
  for (int64_t end = now_ms() + OPEN_MS; now_ms() < end; usleep(2000)) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
      return fd;
    close(fd);
    if (waitpid(machine->pid, NULL, WNOHANG) == machine->pid) {
      machine->pid = 0;
      return -1;
    }
  }
  return -1;
}

void machine_execute(struct machine *machine, const char *command)
{
  char text[128];
  int length = snprintf(text, sizeof text, "{\"execute\":\"%s\"}\n", command);

  if (machine->qmp >= 0 && send(machine->qmp, text, (size_t)length, MSG_NOSIGNAL) < 0)
    say("QEMU does not take %s: %s", command, strerror(errno));
}

static void remove_sockets(const char *dir)
{
  static const char *const names[] = { "qmp", "channel", "serial", "console" };
  char path[128];

  for (size_t i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s.sock", dir, names[i]);
    unlink(path);
  }
}

bool machine_start(struct machine *machine, const struct options *options, bool use_kvm)
{
  const char *dir = options->run_dir;
  char **args = read_args(options->args_path, use_kvm ? "kvm" : EMULATED);

  *machine = (struct machine){ .qmp = -1, .channel = -1, .serial = -1, .console = -1, .is_kvm = use_kvm };
  remove_sockets(dir);
  machine->pid = fork();
  if (machine->pid == 0) {
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Signals are for the supervisor: it ends QEMU when the guest is ready for it. */
    setpgid(0, 0);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(2, 1);
    /* QEMU needs only a place for temporary files; the rest may hold the guest's secrets. */
    char temporary[128];
    char *environment[] = { temporary, NULL };

    snprintf(temporary, sizeof temporary, "TMPDIR=%s", dir);
    execve(QEMU, args, environment);
    fail("%s cannot be started: %s", QEMU, strerror(errno));
  }
  if (machine->pid < 0)
    fail("no process for QEMU: %s", strerror(errno));
  machine->qmp = connect_in_time(machine, dir, "qmp");
  if (machine->qmp < 0)
    return machine_end(machine), false;
  machine->serial = connect_in_time(machine, dir, "serial");
  if (machine->serial < 0)
    return machine_end(machine), false;
  if (options->forward_port == 0) {
    machine->channel = connect_in_time(machine, dir, "channel");
    machine->console = connect_in_time(machine, dir, "console");
    if (machine->channel < 0 || machine->console < 0)
      return machine_end(machine), false;
  }
  machine_execute(machine, "qmp_capabilities");
  machine_execute(machine, "cont");
  return true;
}

void machine_end(struct machine *machine)
{
  int *sockets[] = { &machine->qmp, &machine->channel, &machine->serial, &machine->console };

  for (size_t i = 0; i < 4; i++) {
    if (*sockets[i] >= 0)
      close(*sockets[i]);
    *sockets[i] = -1;
  }
  if (machine->pid > 0) {
    kill(machine->pid, SIGKILL);
    waitpid(machine->pid, NULL, 0);
  }
  machine->pid = 0;
}
