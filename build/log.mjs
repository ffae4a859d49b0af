// How the scripts of build/ report progress: plain lines on stderr, so that stdout stays the program's own.

/** Prints one line on stderr. */
export function log(line) {
  process.stderr.write(`${line}\n`);
}

/** Formats a duration: "850 ms", "12.3 s" or "2 min 5 s". */
export function formatMs(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Runs a step of the set-up, and logs its start, every 15 s that it is still running, and how long it took. */
export async function logStep(title, work) {
  const startedAt = performance.now();
  const elapsed = () => formatMs(performance.now() - startedAt);
  log(`set-up: ${title} …`);
  // Long enough to keep the log short, short enough that the step does not seem to hang.
  const heartbeat = setInterval(() => log(`set-up: ${title}: still running after ${elapsed()}`), 15_000);
  try {
    const result = await work();
    log(`set-up: ${title}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}
