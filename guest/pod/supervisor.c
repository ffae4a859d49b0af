/* Process 1 of the pod: one loop over signals, clients, probes and the guest. */
#define _GNU_SOURCE
#include "supervisor.h"
#include "clients.h"
#include "proxy.h"
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A guest that serves HTTP itself writes this to its console when it listens: core/runtimes/nanos/session/wire.ts. */
#define READY_MARKER "\033\\\033\\"
/* The time that a guest has to power down by itself. */
#define POWERDOWN_MS 5000
/* A guest that ends this often is of no use: the pod ends, and the cluster reports the restarts. Units: ms. */
#define MOST_RESTARTS 5
#define RESTART_WINDOW_MS 60000
/* Under KVM a guest is up within a second; where KVM hangs, it sends nothing at all. */
#define KVM_BOOT_MS 5000
/* The cluster still routes clients here for this long after it asked the pod to end. */
#define DRAIN_MS 1000
/* The time between a guest's own deadline and its replacement. */
#define LATE_MS 2000

static struct options options = { .args_path = "/firstlight/qemu.args", .run_dir = "/run/firstlight", .accel = "auto",
          .port = 8080, .status_port = 8081, .timeout_ms = 10000, .boot_ms = 120000,
          .grace_ms = 25000 };
static struct state state;
/* The guest's environment and its arguments as JSON; empty when it gets none. */
static struct buffer variables, arguments;

static void read_options(int count, char **words)
{
  static const struct option known[] = {
    { "args", required_argument, NULL, 'a' },	{ "run", required_argument, NULL, 'r' },
    { "accel", required_argument, NULL, 'x' },	{ "port", required_argument, NULL, 'p' },
    { "status-port", required_argument, NULL, 's' }, { "timeout-ms", required_argument, NULL, 't' },
    { "boot-ms", required_argument, NULL, 'b' },	{ "grace-ms", required_argument, NULL, 'g' },
    { "forward-port", required_argument, NULL, 'f' }, { "says-ready", no_argument, NULL, 'w' },
    { NULL, 0, NULL, 0 },
  };

  for (int option; (option = getopt_long(count, words, "", known, NULL)) != -1;) {
    switch (option) {
    case 'a': options.args_path = optarg; break;
    case 'r': options.run_dir = optarg; break;
    case 'x': options.accel = optarg; break;
    case 'p': options.port = atoi(optarg); break;
    case 's': options.status_port = atoi(optarg); break;
    case 't': options.timeout_ms = atoi(optarg); break;
    case 'b': options.boot_ms = atoi(optarg); break;
    case 'g': options.grace_ms = atoi(optarg); break;
    case 'f': options.forward_port = atoi(optarg); break;
    case 'w': options.says_ready = true; break;
    default: fail("an option is not known");
    }
  }
  options.words = words + optind;
}

static void boot(bool use_kvm)
{
  state.in.length = state.out.length = 0;
  if (variables.length > 0 && options.forward_port == 0)
    frame_environ(&state.out, &variables);
  if (arguments.length > 0 && options.forward_port == 0)
    frame_environ(&state.out, &arguments);
  state.hello_ns = state.spoke_ns = 0;
  state.is_invoking = state.has_said = false;
  clients_requeue();
  state.vmm_ns = wall_ns();
  if (!machine_start(&state.machine, &options, use_kvm)) {
    if (use_kvm && strcmp(options.accel, "auto") == 0) {
      say("QEMU does not start under KVM; the guest is emulated instead");
      state.why = "QEMU did not start under KVM";
      return boot(false);
    }
    fail("QEMU ended before the guest ran");
  }
  state.resumed_ns = wall_ns();
  state.boot_deadline = now_ms() + (use_kvm && strcmp(options.accel, "auto") == 0 ? KVM_BOOT_MS : options.boot_ms);
}

static void read_given(void)
{
  struct buffer names = { 0 };

  if (environ_read(&variables, &names) == 0)
    buffer_free(&variables);
  else
    say("the guest gets %.*s", (int)names.length, (const char *)names.data);
  buffer_free(&names);
  if (!*options.words)
    return;
  if (options.forward_port && !options.says_ready)
    fail("the container has arguments, but a program's are in its image: set \"args\" in firstlight.json");
  environ_arguments(&arguments, options.words);
  say("the guest gets the arguments of the container");
}

static void choose_and_boot(void)
{
  bool opens = kvm_opens(&state.why);

  if (strcmp(options.accel, "kvm") == 0 && !opens)
    fail("KVM was asked for and cannot be used: %s", state.why);
  if (strcmp(options.accel, "tcg") == 0)
    state.why = "emulation was asked for";
  bool use_kvm = opens && strcmp(options.accel, "tcg") != 0;

  say("the guest runs %s (%s)", use_kvm ? "under KVM" : "emulated", state.why);
  boot(use_kvm);
}

/* Restarts with a fresh guest, unless that happens too often. */
static void restart(const char *why)
{
  static int64_t times[MOST_RESTARTS];
  bool use_kvm = state.machine.is_kvm;

  machine_end(&state.machine);
  clients_fail(502, why);
  proxy_drop_all();
  if (state.is_stopping)
    return;
  if (state.hello_ns == 0)
    fail("%s before it was ready", why);
  if (times[0] != 0 && now_ms() - times[0] < RESTART_WINDOW_MS)
    fail("%s, the %dth time within a minute", why, MOST_RESTARTS + 1);
  memmove(times, times + 1, sizeof times - sizeof *times);
  times[MOST_RESTARTS - 1] = now_ms();
  state.restarts++;
  say("%s; a fresh one takes its place", why);
  boot(use_kvm);
}

static void take_frame(const struct frame *frame)
{
  if (frame->type == FRAME_HELLO) {
    if (state.hello_ns != 0)
      return;
    state.hello_ns = wall_ns();
    /* The time limit of a request that waited for the boot starts now. */
    state.invoke_deadline = now_ms() + options.timeout_ms;
    state.boot_marks.length = 0;
    frame_marks(frame, &state.boot_marks, &state.hello_counter, &state.hz);
    say("ready %lld ms after QEMU's start", (long long)(state.hello_ns - state.vmm_ns) / 1000000);
    return;
  }
  if ((frame->type == FRAME_RESPONSE || frame->type == FRAME_ERROR) && state.is_invoking && frame->id == state.id) {
    if (state.first_answered_ns == 0) {
      state.first_answered_ns = wall_ns();
      uint64_t counter;

      frame_marks(frame, &state.first_marks, &counter, &state.hz);
    }
    clients_answer(frame);
  }
}

static bool read_channel(void)
{
  static uint8_t chunk[65536];
  ssize_t length = read(state.machine.channel, chunk, sizeof chunk);
  struct frame frame;
  int found;

  if (length <= 0)
    return false;
  buffer_add(&state.in, chunk, (size_t)length);
  while ((found = frame_read(&state.in, &frame)) == 1) {
    take_frame(&frame);
    buffer_drop(&state.in, frame.taken);
  }
  return found == 0;
}

/* Looks for the marker in the output, wherever it is cut. */
static void look_for_marker(const char *text, size_t length)
{
  static const char marker[] = READY_MARKER;
  static size_t matched;

  for (size_t i = 0; i < length && !state.has_said; i++) {
    matched = text[i] == marker[matched] ? matched + 1 : text[i] == marker[0] ? 1 : 0;
    if (matched == sizeof marker - 1) {
      state.has_said = true;
      matched = 0;
    }
  }
}

/* The guest's output is the pod's log. */
static void copy_console(int *from)
{
  static char chunk[16384];
  ssize_t length = read(*from, chunk, sizeof chunk);

  if (length <= 0) {
    close(*from);
    *from = -1;
    return;
  }
  if (state.spoke_ns == 0)
    state.spoke_ns = wall_ns();
  if (options.says_ready)
    look_for_marker(chunk, (size_t)length);
  for (ssize_t at = 0, wrote; at < length; at += wrote)
    if ((wrote = write(1, chunk + at, (size_t)(length - at))) <= 0)
      return;
}

static void send_next(void)
{
  if (!state.is_invoking && state.machine.pid > 0)
    clients_send_next(&options);
  if (state.out.length == 0 || state.machine.channel < 0)
    return;
  ssize_t sent = send(state.machine.channel, state.out.data, state.out.length, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent > 0)
    buffer_drop(&state.out, (size_t)sent);
}

static void take_signals(int fd)
{
  struct signalfd_siginfo info;

  while (read(fd, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        if (pid == state.machine.pid) {
          state.machine.pid = 0;
          restart("the guest went down");
        }
    } else if (!state.is_stopping) {
      say("asked to end: no new guest, and what is running may finish");
      state.is_stopping = true;
      state.stopped_ms = now_ms();
    }
  }
}

/* True when no work is pending. */
static bool is_over(void)
{
  if (!state.is_stopping)
    return false;
  int64_t waited = now_ms() - state.stopped_ms;

  return waited > options.grace_ms || (waited > DRAIN_MS && clients_idle() && proxy_idle()) || state.machine.pid == 0;
}

static void check_deadlines(void)
{
  if (state.machine.pid > 0 && state.hello_ns == 0 && now_ms() > state.boot_deadline) {
    if (!state.machine.is_kvm || strcmp(options.accel, "auto") != 0)
      fail("the guest was not ready within %d ms", options.boot_ms);
    say("the guest says nothing under KVM within %d ms; it is emulated instead", KVM_BOOT_MS);
    state.why = "the guest says nothing under this node's KVM";
    machine_end(&state.machine);
    boot(false);
  }
  if (state.is_invoking && state.hello_ns != 0 && now_ms() > state.invoke_deadline + LATE_MS) {
    clients_fail(504, "the function did not answer in time");
    restart("the guest did not answer in time");
  }
}

static void run(int signals)
{
  while (!is_over()) {
    struct pollfd polled[8 + MOST_CLIENTS + PROXY_POLLS] = {
      { signals, POLLIN, 0 },
      { state.machine.channel, (short)(POLLIN | (state.out.length ? POLLOUT : 0)), 0 },
      { state.machine.serial, POLLIN, 0 },
      { state.machine.console, POLLIN, 0 },
      { state.machine.qmp, POLLIN, 0 },
    };
    size_t count = clients_poll(polled + 5);
    struct pollfd *proxied = NULL;

    if (options.forward_port) {
      proxied = polled + 5 + count;
      proxy_poll(proxied);
      count += PROXY_POLLS;
    }
    if (poll(polled, 5 + count, state.hello_ns ? 200 : 20) < 0 && errno != EINTR)
      fail("poll: %s", strerror(errno));
    if (polled[4].revents) {
      char events[4096];

      if (read(state.machine.qmp, events, sizeof events) <= 0) {
        close(state.machine.qmp);
        state.machine.qmp = -1;
      }
    }
    if (polled[2].revents)
      copy_console(&state.machine.serial);
    if (polled[3].revents)
      copy_console(&state.machine.console);
    if (polled[1].revents & (POLLIN | POLLHUP) && !read_channel())
      restart("the guest left");
    if (polled[0].revents)
      take_signals(signals);
    clients_take(polled + 5);
    if (proxied) {
      proxy_watch_start();
      proxy_take(proxied);
    }
    check_deadlines();
    send_next();
  }
}

/* Asks a guest with a disk to write its data, and waits for it. */
static void power_down(void)
{
  if (options.forward_port == 0 || state.machine.pid == 0)
    return;
  machine_execute(&state.machine, "system_powerdown");
  for (int64_t end = now_ms() + POWERDOWN_MS; now_ms() < end; usleep(10000)) {
    if (waitpid(state.machine.pid, NULL, WNOHANG) == state.machine.pid) {
      state.machine.pid = 0;
      return;
    }
    struct pollfd serial = { state.machine.serial, POLLIN, 0 };

    if (poll(&serial, 1, 0) > 0)
      copy_console(&state.machine.serial);
  }
}

int main(int count, char **words)
{
  sigset_t handled;

  read_options(count, words);
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGINT);
  sigaddset(&handled, SIGCHLD);
  sigprocmask(SIG_BLOCK, &handled, NULL);
  signal(SIGPIPE, SIG_IGN);
  int signals = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);

  state.started_ns = wall_ns();
  clients_open(&state, &options);
  read_given();
  if (options.forward_port)
    proxy_open(&state, &options, &variables, &arguments);
  choose_and_boot();
  run(signals);
  power_down();
  machine_execute(&state.machine, "quit");
  machine_end(&state.machine);
  say("ended");
  return 0;
}
