// The console: every method of Node's and of browsers' that is about text.
(host, { inspect, format }) => {
  const { print } = host;
  let indent = '';
  const started = new Map();
  const counts = new Map();

  // The markers around stderr: shared/console-streams.ts.
  const stderrBegin = '\x1b[39;31m';
  const stderrEnd = '\x1b[31;39m';
  const indented = (text) => `${indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`)}\n`;
  const textOf = (args) => (args.length === 1 && typeof args[0] === 'string' ? args[0] : format(...args));

  function write(text) {
    print(indented(text));
  }
  function error(...args) {
    print(stderrBegin + indented(textOf(args)) + stderrEnd);
  }
  function log(...args) {
    write(textOf(args));
  }
  function group(...args) {
    if (args.length > 0) log(...args);
    indent += '  ';
  }
  function elapsed(label, what) {
    const since = started.get(label);
    if (since === undefined) error(`Warning: No such label '${label}' for console.${what}()`);
    return since === undefined ? null : `${label}: ${(performance.now() - since).toFixed(3)}ms`;
  }
  const withData = (text, data) => (data.length === 0 ? log(text) : log(text, ...data));

  /** Chars of East Asian scripts and emoji take two columns of a terminal. */
  const widthOf = (text) =>
    text.length +
    (text.match(/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/g) ?? []).length;

  function table(data, wanted) {
    if (typeof data !== 'object' || data === null) return log(data);
    const show = (value) => inspect(value, { depth: typeof value === 'object' && value !== null ? 0 : 4 });
    const isMap = data instanceof Map;
    const isList = isMap || data instanceof Set;
    const rows = isMap
      ? [...data].map(([key, value], at) => [at, value, key])
      : isList
        ? [...data].map((value, at) => [at, value])
        : Object.entries(data);
    const columns = [];
    const hasValue = isMap || rows.some(([, value]) => typeof value !== 'object' || value === null);
    for (const [, value] of isMap ? [] : rows) {
      if (typeof value !== 'object' || value === null) continue;
      for (const key of Object.keys(value)) if (!columns.includes(key)) columns.push(key);
    }
    const shown = Array.isArray(wanted) ? wanted.map(String) : columns;
    const head = [
      isList ? '(iteration index)' : '(index)',
      ...(isMap ? ['Key'] : []),
      ...shown,
      ...(hasValue ? [isMap ? 'Values' : 'Values'] : []),
    ];
    const body = rows.map(([index, value, key]) => {
      const isRow = !isMap && typeof value === 'object' && value !== null;
      return [
        String(index),
        ...(isMap ? [show(key)] : []),
        ...shown.map((column) => (isRow && Object.hasOwn(value, column) ? show(value[column]) : '')),
        ...(hasValue ? [isRow ? '' : show(value)] : []),
      ];
    });
    const widths = head.map((text, at) => Math.max(...[head, ...body].map((row) => widthOf(row[at] ?? text))) + 2);
    const line = (cells) =>
      `│${cells.map((cell, at) => ` ${cell}${' '.repeat(widths[at] - widthOf(cell) - 1)}`).join('│')}│`;
    const rule = (left, middle, right) => left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
    write([rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'), ...body.map(line), rule('└', '┴', '┘')].join('\n'));
  }

  const nothing = () => undefined;
  // A namespace, as the standard has it: its prototype has nothing.
  const namespace = Object.assign(Object.create({}), {
    log,
    info: log,
    debug: log,
    warn: error,
    error,
    trace: (...args) => error(`Trace${args.length > 0 ? `: ${format(...args)}` : ''}\n${new Error().stack.trimEnd()}`),
    dir: (value, options) => write(inspect(value, options)),
    dirxml: log,
    table,
    assert: (condition, ...args) => {
      if (condition) return;
      if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
      else args.unshift('Assertion failed');
      error(...args);
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = indent.slice(2);
    },
    time: (label = 'default') => {
      const name = String(label);
      if (started.has(name)) error(`Warning: Label '${name}' already exists for console.time()`);
      else started.set(name, performance.now());
    },
    timeLog: (label = 'default', ...data) => {
      const text = elapsed(String(label), 'timeLog');
      if (text !== null) withData(text, data);
    },
    timeEnd: (label = 'default') => {
      const text = elapsed(String(label), 'timeEnd');
      if (text !== null) log(text);
      started.delete(String(label));
    },
    count: (label = 'default') => {
      const name = String(label);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      log(`${name}: ${counts.get(name)}`);
    },
    countReset: (label = 'default') => {
      if (!counts.delete(String(label))) error(`Warning: Count for '${label}' does not exist`);
    },
    // A serial console is not cleared, and nothing profiles.
    clear: nothing,
    timeStamp: nothing,
    profile: nothing,
    profileEnd: nothing,
  });
  Object.defineProperty(namespace, Symbol.toStringTag, { value: 'console', configurable: true });
  Object.defineProperty(globalThis, 'console', { value: namespace, writable: true, configurable: true });
};
