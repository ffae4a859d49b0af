// Adds the standard functions that Firstlight uses and the Node.js 18.15 of the Electron for tests lacks.
const events = require('node:events');
const stream = require('node:stream');
const url = require('node:url');

stream.getDefaultHighWaterMark ??= (isObjectMode) => (isObjectMode ? 16 : 16384);

const canParse = (text, base) => {
  try {
    new URL(text, base);
    return true;
  } catch {
    // The text is not a URL: the result is false.
    return false;
  }
};
URL.canParse ??= canParse;
url.URL.canParse ??= canParse;

Symbol.dispose ??= Symbol.for('Symbol.dispose');

events.addAbortListener ??= (signal, listener) => {
  if (signal.aborted) queueMicrotask(() => listener());
  else signal.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
};

AbortSignal.any ??= (signals) => {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else
      signal.addEventListener('abort', () => controller.abort(signal.reason), {
        once: true,
        signal: controller.signal,
      });
  }
  return controller.signal;
};
