// Runs tasks side by side, each as soon as the tasks that it waits for are done.

/**
 * Runs every task, and waits for all started tasks even when one fails.
 *
 * Shape: `tasks` maps a name to `{ after?: [name], run }`; a name in `after` that is not in `tasks` counts as done.
 * Errors: throws the first error; tasks that wait for a failed one do not start.
 */
export async function runTasks(tasks) {
  const started = new Map();
  const start = (name, path = []) => {
    if (path.includes(name)) throw new Error(`tasks wait for each other: ${[...path, name].join(' → ')}`);
    if (!started.has(name)) {
      const { after = [], run } = tasks[name];
      const earlier = after
        .filter((other) => Object.hasOwn(tasks, other))
        .map((other) => start(other, [...path, name]));
      const ready = Promise.all(earlier).catch(() => Promise.reject(new SkippedError()));
      started.set(name, ready.then(run));
    }
    return started.get(name);
  };
  const outcomes = await Promise.allSettled(Object.keys(tasks).map((name) => start(name)));
  const failed = outcomes.filter(({ status, reason }) => status === 'rejected' && !(reason instanceof SkippedError));
  if (failed.length > 0) throw failed[0].reason;
}

/** Stands for a task that did not start, because one that it waits for failed. */
class SkippedError extends Error {}
