// setTimeout and its family, and WeakRef. The guest calls `run` whenever no promise job is left, and sleeps as long as it says.
(now, network) => {
  // The language's KeepDuringJob: what a WeakRef was made of or gave stays until the promise jobs are done.
  const inUse = new Set();
  const EngineWeakRef = WeakRef;
  Object.assign(globalThis, {
    WeakRef: class extends EngineWeakRef {
      constructor(target) {
        super(target);
        inUse.add(target);
      }
      deref() {
        const target = super.deref();
        if (target !== undefined) inUse.add(target);
        return target;
      }
    },
  });

  let nextId = 1;
  // By due time, then by age.
  let queue = [];

  function insert(timer) {
    let at = queue.length;
    while (at > 0 && queue[at - 1].due > timer.due) at--;
    queue.splice(at, 0, timer);
  }

  /** As Node's timers: an object that stands for its number. */
  class Timeout {
    #timer;
    constructor(timer) {
      this.#timer = timer;
    }
    // What waits for the handler's promise and not for timers has nothing to let go of.
    ref() {
      this.#timer.isRef = true;
      return this;
    }
    unref() {
      this.#timer.isRef = false;
      return this;
    }
    hasRef() {
      return this.#timer.isRef;
    }
    refresh() {
      clear(this.#timer.id);
      this.#timer.due = now() + this.#timer.delay;
      insert(this.#timer);
      return this;
    }
    close() {
      clear(this.#timer.id);
      return this;
    }
    [Symbol.toPrimitive]() {
      return this.#timer.id;
    }
    [Symbol.dispose]() {
      this.close();
    }
  }

  function add(callback, delay, args, repeat) {
    if (typeof callback !== 'function') throw new TypeError('A timer needs a function to call.');
    const ms = delay >= 1 && delay <= 2147483647 ? Math.trunc(delay) : 1;
    const timer = { id: nextId++, due: now() + ms, callback, args, delay: ms, every: repeat ? ms : 0, isRef: true };
    insert(timer);
    return new Timeout(timer);
  }

  function clear(timer) {
    if (timer === undefined || timer === null) return;
    const id = Number(timer);
    queue = queue.filter((waiting) => waiting.id !== id);
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
      inUse.clear();
      network.poll?.();
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
      inUse.clear();
      queue = [];
    },
  };
};
