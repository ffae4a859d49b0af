// One for all: install-buffer.ts is put before a bundle that has this.
module.exports = globalThis[Symbol.for('firstlight.buffer')];
