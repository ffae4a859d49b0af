/* Runs the function's handler for one event: from the parsed event to the answer, within the deadline. */
#include "invocation.h"

#include "../boot/config.h"
#include "../boot/context.h"
#include "../boot/marks.h"
#include "../boot/panic.h"
#include "../dev/clock.h"
#include "../dev/console-port.h"
#include "../dev/timer.h"
#include "../net/net.h"
#include "engine.h"
#include "invoke.h"

/* QuickJS counts steps between two looks at the deadline, and a step may be a built-in that reads megabytes. */
#define STEPS_FIRST 8
#define STEPS_MOST 10000
#define LOOK_NS 1000000

static struct {
  uint32_t steps;
  uint64_t looked_tsc, look_ticks;
} pace;

static void begin_pace(void) {
  pace.steps = STEPS_FIRST;
  pace.looked_tsc = rdtsc();
  pace.look_ticks = clock_ticks(LOOK_NS);
  engine_poll_after(pace.steps);
}

/* As many steps until the next look as take about LOOK_NS by what the last ones took; at most twice as many as those. */
static void keep_pace(uint64_t now) {
  uint64_t times = (now - pace.looked_tsc) / pace.look_ticks;
  if (times > 1) pace.steps = pace.steps > times ? pace.steps / times : 1;
  else if (times == 0) pace.steps = pace.steps * 2 < STEPS_MOST ? pace.steps * 2 : STEPS_MOST;
  pace.looked_tsc = now;
  engine_poll_after(pace.steps);
}

int invoke_interrupted(void) {
  if (current.deadline_tsc == 0) return 0;
  uint64_t now = rdtsc();
  keep_pace(now);
  if (now < current.deadline_tsc) return 0;
  current.timed_out = 1;
  current.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  return 1;
}

uint64_t invoke_deadline_ns(void) { return current.deadline_tsc ? clock_ns(current.deadline_tsc) : 0; }

/* Calls the prelude to report the thrown value, and frees that value. `code`: a number of the ERROR frame, 0: the prelude decides. */
static void report(js_value error, enum error_code code) {
  marks[MARK_RETURNED] = rdtsc();
  /* Only the report remains; it may use the reserve. */
  engine_reserve_open = 1;
  if (engine_out_of_memory && code == 0) code = ERROR_OUT_OF_MEMORY;
  js_value result = js_call(js_unbox(config()->report), 2, error, js_make(JS_INT, code));
  js_free(error);
  if (js_tag(result) == JS_EXCEPTION) js_free(js_exception());
  js_free(result);
  if (current.answered) return;
  /* The prelude itself failed: out of memory, out of stack, or out of time. */
  if (current.timed_out) send_timed_out(text_of(""));
  else if (engine_out_of_memory) send_plain_error(ERROR_OUT_OF_MEMORY, 0, "The function ran out of memory.");
  else send_plain_error(ERROR_THREW, 0, "The handler threw something that cannot be described.");
}

/* A sleep without a timer to wait for. */
#define IDLE_SLEEP_MS 60000

/*
 * Runs the timers that are due and settles what `fetch` has results for, or sleeps until there is either. Returns 0 when there is nothing
 * to wait for: nothing will ever settle the handler.
 */
static int run_timers(void) {
  js_value result = js_call(js_unbox(config()->tick), 0, 0, 0);
  if (js_tag(result) == JS_EXCEPTION) {
    report(js_exception(), 0);
    return 1;
  }
  double delay_ms = js_number(result);
  js_free(result);
  if (Z_qjsZ_qjs_is_job_pending(&engine)) return 1;
  if (!(delay_ms >= 0) && !net_fetch_is_pending()) return 0;
  if (!(delay_ms >= 0) || delay_ms > IDLE_SLEEP_MS) delay_ms = IDLE_SLEEP_MS;
  /* One may have finished since the tick looked. */
  uint64_t tsc = rdtsc(), sleep_ns = net_fetch_is_ready() ? 0 : (uint64_t)(delay_ms * 1e6);
  if (current.deadline_tsc && tsc >= current.deadline_tsc) {
    send_timed_out(text_of(""));
    return 1;
  }
  if (current.deadline_tsc) {
    uint64_t left_ns = clock_ns(current.deadline_tsc - tsc);
    if (left_ns < sleep_ns) sleep_ns = left_ns;
  }
  if (sleep_ns == 0) return 1;
  console_flush();
  net_sleep_for(sleep_ns);
  return 1;
}

/* Runs jobs and timers until the promise settles. Returns its value, which replaces `promise`, or JS_EXCEPTION after an answer. */
static js_value await_promise(js_value promise) {
  const js_value answered = js_make(JS_EXCEPTION, 0);
  int state;
  while ((state = js_promise_state(promise)) == 0 && !current.answered) {
    if (current.timed_out) {
      send_timed_out(text_of(""));
    } else if (Z_qjsZ_qjs_is_job_pending(&engine)) {
      if ((int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) < 0) report(js_exception(), 0);
    } else if (!run_timers() && !current.answered) {
      send_plain_error(ERROR_NEVER_SETTLED, 0, "The handler never settled: nothing is left to run, no promise job and no timer.");
    }
  }
  js_value result = current.answered ? answered : js_promise_result(promise);
  js_free(promise);
  if (current.answered || state == 1) return result;
  report(result, 0);
  return answered;
}

/* From the parsed event to the answer. */
static void run_handler(js_value event) {
  js_value value = js_call(js_unbox(config()->invoke), 1, event, 0);
  /* A second round when the settled value is an object with its own `then`, which the prelude wraps in a promise. */
  while (js_tag(value) != JS_EXCEPTION) {
    if (js_promise_state(value) >= 0) {
      value = await_promise(value);
      if (current.answered) return;
    }
    mark(MARK_RETURNED);
    engine_reserve_open = 1;
    if (respond_plain(value)) {
      js_free(value);
      return;
    }
    js_value answer = js_call(js_unbox(config()->finish), 1, value, 0);
    js_free(value);
    value = answer;
    if (js_promise_state(value) >= 0) continue;
    if (js_tag(value) == JS_EXCEPTION || current.answered) break;
    respond_json(value);
    js_free(value);
    return;
  }
  if (js_tag(value) == JS_EXCEPTION) report(js_exception(), 0);
}

/* Removes all pending work of this invocation. Returns 1, or 0 when its jobs have no end. */
static int drain_jobs(void) {
  engine_reserve_open = 1;
  current.deadline_tsc = rdtsc() + clock_ticks(GRACE_NS);
  current.timed_out = 0;
  begin_pace();
  net_fetch_cancel_all();
  js_value result = js_call(js_unbox(config()->reset), 0, 0, 0);
  int clean = js_tag(result) != JS_EXCEPTION;
  while (clean && Z_qjsZ_qjs_is_job_pending(&engine)) {
    if ((int32_t)Z_qjsZ_qjs_execute_pending_job(&engine) < 0) js_free(js_exception());
    clean = rdtsc() < current.deadline_tsc && !current.timed_out;
  }
  if (clean && net_fetch_is_pending()) {
    /* A last job has begun another: the shim has to forget it too. */
    net_fetch_cancel_all();
    js_free(js_call(js_unbox(config()->reset), 0, 0, 0));
  }
  engine_reserve_open = engine_out_of_memory = 0;
  return clean;
}

static const char *const crash_words[] = {
    "", "The function used up the native stack: it recurses too deeply in a built-in such as JSON, a regular expression or the parser.",
    "The JavaScript engine accessed memory outside its heap.", "The JavaScript engine stopped at an internal error."};

void begin_invocation(uint32_t id, uint64_t received) {
  current.id = id;
  current.answered = current.timed_out = 0;
  current.deadline_tsc = 0;
  for (int m = MARK_INVOKE; m < MARK_COUNT; m++) marks[m] = 0;
  marks[MARK_INVOKE] = received;
}

void run_event(uint32_t text, uint32_t bytes, uint32_t deadline_ms, uint64_t received) {
  static struct context crashed;
  int kind = context_save(&crashed);
  if (kind) {
    send_plain_error(ERROR_CRASHED, 1, crash_words[kind]);
    halt();
  }
  crash_handler = &crashed;
  js_value event = js_parse_json(text, bytes);
  Z_qjsZ_wasm_free(&engine, text);
  mark(MARK_HANDLER);
  if (js_tag(event) == JS_EXCEPTION) {
    report(js_exception(), ERROR_BAD_EVENT);
  } else {
    if (deadline_ms) {
      current.deadline_ms = deadline_ms;
      current.deadline_tsc = received + clock_ticks((uint64_t)deadline_ms * 1000000);
      begin_pace();
    }
    run_handler(event);
    js_free(event);
  }
  if (!drain_jobs()) {
    current.answered = 0;
    send_plain_error(ERROR_CRASHED, 1, "The function kept running after its invocation had ended.");
    halt();
  }
  crash_handler = 0;
}
