const stream = require('readable-stream/lib/ours/browser.js');

const { Readable, Writable } = stream;
/** The bundler adds the shim of streams where one of these is called. */
const webClass = (name) => Reflect.get(globalThis, name);

Readable.fromWeb = (from, options) => {
  const reader = from.getReader();
  return new Readable({
    ...options,
    read() {
      reader.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      reader.cancel(error).then(
        () => done(error),
        () => done(error),
      );
    },
  });
};
Readable.toWeb = (from) =>
  new (webClass('ReadableStream'))({
    start(controller) {
      from.pause();
      from.on('data', (chunk) => {
        controller.enqueue(ArrayBuffer.isView(chunk) ? new Uint8Array(chunk) : chunk);
        if (controller.desiredSize <= 0) from.pause();
      });
      stream.finished(from, { writable: false }, (error) => {
        if (error) controller.error(error);
        else controller.close();
      });
    },
    pull: () => void from.resume(),
    cancel: (reason) => void from.destroy(reason),
  });
Writable.fromWeb = (to, options) => {
  const writer = to.getWriter();
  const settle = (promise, done) => promise.then(() => done(), done);
  return new Writable({
    ...options,
    write: (chunk, _encoding, done) => settle(writer.write(chunk), done),
    final: (done) => settle(writer.close(), done),
    destroy: (error, done) =>
      error
        ? writer.abort(error).then(
            () => done(error),
            () => done(error),
          )
        : done(),
  });
};
Writable.toWeb = (to) =>
  new (webClass('WritableStream'))({
    write: (chunk) => new Promise((resolve, reject) => to.write(chunk, (error) => (error ? reject(error) : resolve()))),
    close: () => new Promise((resolve) => to.end(resolve)),
    abort: (reason) => void to.destroy(reason),
  });

module.exports = stream;
