// setTimeout and its family. The guest calls `run` whenever no promise job is left, and sleeps as long as it says.
(now) => {
  let nextId = 1;
  // By due time, then by age.
  let queue = [];

  function insert(timer) {
    let at = queue.length;
    while (at > 0 && queue[at - 1].due > timer.due) at--;
    queue.splice(at, 0, timer);
  }

  function add(callback, delay, args, repeat) {
    if (typeof callback !== 'function') throw new TypeError('A timer needs a function to call.');
    const ms = delay >= 1 && delay <= 2147483647 ? Math.trunc(delay) : 1;
    const timer = { id: nextId++, due: now() + ms, callback, args, every: repeat ? ms : 0 };
    insert(timer);
    return timer.id;
  }

  function clear(id) {
    queue = queue.filter((timer) => timer.id !== id);
  }

  Object.assign(globalThis, {
    setTimeout: (callback, delay, ...args) => add(callback, delay, args, false),
    setInterval: (callback, delay, ...args) => add(callback, delay, args, true),
    setImmediate: (callback, ...args) => add(callback, 1, args, false),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });

  return {
    /** Calls the first timer that is due. Units: milliseconds to the next one, 0 when it is due; -1 when there is none. */
    run() {
      if (queue.length === 0) return -1;
      const time = now();
      const first = queue[0];
      if (first.due > time) return first.due - time;
      queue.shift();
      if (first.every > 0) {
        first.due = time + first.every;
        insert(first);
      }
      first.callback(...first.args);
      return queue.length === 0 ? 0 : Math.max(0, queue[0].due - time);
    },
    clear() {
      queue = [];
    },
  };
};
