// Stacks that begin with the error's name and message, as code expects that prints nothing else of an error.
() => {
  const { get: framesOf } = Object.getOwnPropertyDescriptor(Error.prototype, 'stack');
  const { captureStackTrace: capture } = Error;
  const { toString: describe } = Error.prototype;

  const keep = (error, value) =>
    Object.defineProperty(error, 'stack', { value, writable: true, enumerable: false, configurable: true });

  function withHead(error, frames) {
    // What the function's own `Error.prepareStackTrace` made stays as it is.
    if (typeof frames !== 'string' || !/^(?: +at |$)/.test(frames)) return frames;
    try {
      return `${describe.call(error)}\n${frames}`.trimEnd();
    } catch {
      return frames;
    }
  }

  Object.defineProperty(Error.prototype, 'stack', {
    get() {
      return withHead(this, framesOf.call(this));
    },
    // The engine's own refuses what is no text, and makes a property that JSON has.
    set(value) {
      keep(this, value);
    },
    enumerable: false,
    configurable: true,
  });
  Error.captureStackTrace = function captureStackTrace(target, above = captureStackTrace) {
    capture(target, above);
    keep(target, withHead(target, target.stack));
  };
};
