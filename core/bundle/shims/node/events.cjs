const EventEmitter = require('events/events.js');

EventEmitter.setMaxListeners = (count, ...emitters) => {
  if (emitters.length === 0) EventEmitter.defaultMaxListeners = count;
  for (const emitter of emitters) emitter.setMaxListeners?.(count);
};
EventEmitter.getEventListeners = (emitter, name) => emitter.listeners(name);
EventEmitter.errorMonitor = Symbol.for('events.errorMonitor');
EventEmitter.captureRejectionSymbol = Symbol.for('nodejs.rejection');

/** Calls `end` with the error of an aborted signal, now or later; gives what stops that. */
function onAbort(signal, end) {
  if (signal === undefined) return () => undefined;
  const abort = () =>
    end(
      Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
        name: 'AbortError',
        code: 'ABORT_ERR',
      }),
    );
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

const { once } = EventEmitter;
EventEmitter.once = (emitter, name, { signal } = {}) =>
  new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject);
    if (!signal?.aborted) once(emitter, name).then(resolve, reject).finally(stop);
  });

/** The events to come, one after another, until the loop over them ends. */
EventEmitter.on = (emitter, name, { signal, close = [] } = {}) => {
  const [events, waiting] = [[], []];
  let [failure, isOver] = [undefined, false];
  const ended = { value: undefined, done: true };
  const take = (...args) => {
    const next = waiting.shift();
    if (next === undefined) events.push(args);
    else next.resolve({ value: args, done: false });
  };
  const fail = (error) => {
    const next = waiting.shift();
    if (next === undefined) failure = { error };
    else next.reject(error);
    finish();
  };
  const finish = () => {
    if (isOver) return;
    isOver = true;
    stop();
    emitter.removeListener(name, take);
    emitter.removeListener('error', fail);
    for (const end of close) emitter.removeListener(end, finish);
    for (const next of waiting.splice(0)) next.resolve(ended);
  };
  let stop = () => undefined;
  emitter.on(name, take);
  if (name !== 'error') emitter.on('error', fail);
  for (const end of close) emitter.on(end, finish);
  stop = onAbort(signal, fail);
  return {
    next: () => {
      if (events.length > 0) return Promise.resolve({ value: events.shift(), done: false });
      if (failure !== undefined) {
        const { error } = failure;
        failure = undefined;
        return Promise.reject(error);
      }
      return isOver ? Promise.resolve(ended) : new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return: () => {
      finish();
      return Promise.resolve(ended);
    },
    throw: (error) => {
      fail(error);
      return Promise.resolve(ended);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
module.exports = EventEmitter;
