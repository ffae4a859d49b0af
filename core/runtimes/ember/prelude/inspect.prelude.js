// Text for any value, as Node's console shows it: what `console` prints, and what `node:util` has as `inspect`.
() => {
  const identifier = /^[A-Za-z_$][\w$]*$/;
  /** Objects whose content is behind accessors say how they are shown by this method. */
  const shown = Symbol.for('nodejs.util.inspect.custom');
  const defaultLineChars = 76;

  function quote(text) {
    const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
    const mark = !escaped.includes("'") ? "'" : !escaped.includes('"') ? '"' : '`';
    return mark + (mark === '`' ? escaped.replaceAll('`', '\\`') : escaped) + mark;
  }

  function nameOf(value) {
    for (let from = value; from !== null; from = Object.getPrototypeOf(from)) {
      const made = Object.getOwnPropertyDescriptor(from, 'constructor')?.value;
      if (typeof made === 'function' && made.name !== '') return made.name;
    }
    return null;
  }

  function primitive(value) {
    switch (typeof value) {
      case 'string':
        return quote(value);
      case 'bigint':
        return `${value}n`;
      default:
        return Object.is(value, -0) ? '-0' : String(value);
    }
  }

  function functionName(value) {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    const kind = isClass ? 'class' : (nameOf(value) ?? 'Function');
    if (!isClass) return value.name ? `[${kind}: ${value.name}]` : `[${kind} (anonymous)]`;
    const above = Object.getPrototypeOf(value)?.name;
    return `[class ${value.name || '(anonymous)'}${above ? ` extends ${above}` : ''}]`;
  }

  function errorText(value, show) {
    const head = `${value.name}${value.message ? `: ${value.message}` : ''}`;
    const stack = typeof value.stack === 'string' ? value.stack.trimEnd() : '';
    const text = stack === '' ? head : stack.startsWith(head) ? stack : `${head}\n${stack}`;
    const more = [];
    if (Object.hasOwn(value, 'cause')) more.push(`[cause]: ${show(value.cause)}`);
    if (Object.hasOwn(value, 'errors')) more.push(`[errors]: ${show(value.errors)}`);
    for (const key of Object.keys(value)) more.push(`${key}: ${show(value[key])}`);
    return more.length === 0 ? text : `${text} {\n  ${more.join(',\n  ').replaceAll('\n', '\n  ')}\n}`;
  }

  function inspect(value, options = {}) {
    const { depth: most = 4, maxArrayLength = 100, breakLength, compact = 3 } = options;
    const lineChars = breakLength === undefined ? defaultLineChars : breakLength - 4;
    const levelsOnLine = compact === true ? Number.POSITIVE_INFINITY : Number(compact);
    const seen = [];
    /** The depths of the objects with content that were shown last. */
    let [lastDepth, priorDepth] = [0, 0];
    return inspectAt(value, 0);

    function inspectAt(value, depth) {
      if (typeof value === 'function' && Object.keys(value).length === 0) return functionName(value);
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return primitive(value);
      if (seen.includes(value)) return '[Circular *1]';
      if (typeof value[shown] === 'function') {
        const left = most === null ? Number.POSITIVE_INFINITY : most - depth;
        const text = value[shown](left, { stylize: String, ...options, depth: left }, inspect);
        if (text !== value) return typeof text === 'string' ? text : inspectAt(text, depth);
      }
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
      if (value instanceof RegExp) return String(value);
      seen.push(value);
      try {
        return inspectObject(value, depth);
      } finally {
        seen.pop();
      }
    }

    function inspectObject(value, depth) {
      const name = nameOf(value);
      const show = (item) => inspectAt(item, depth + 1);
      if (value instanceof Error) return errorText(value, show);
      const isArray = Array.isArray(value);
      if (most !== null && depth > most) return isArray ? '[Array]' : `[${name ?? 'Object: null prototype'}]`;
      [priorDepth, lastDepth] = [lastDepth, depth];
      const tag = value[Symbol.toStringTag];
      const tagged = typeof tag === 'string' && tag !== '' && tag !== name ? ` [${tag}]` : '';
      const prefix = (of) => `${name ?? `[${of}: null prototype]`}${tagged} `;
      const cut = (items, length) =>
        length > maxArrayLength ? [...items, `... ${length - maxArrayLength} more items`] : items;
      if (isArray) {
        const items = [];
        for (let i = 0; i < value.length && items.length < maxArrayLength; ) {
          const from = i;
          while (i < value.length && !(i in value)) i++;
          if (i > from) items.push(`<${i - from} empty item${i - from === 1 ? '' : 's'}>`);
          else items.push(show(value[i++]));
        }
        const all = [...cut(items, value.length), ...fields(value, show, true)];
        return wrap(name === 'Array' ? '' : `${name}(${value.length}) `, all, '[', ']', depth);
      }
      if (value instanceof Map) {
        const items = [...value].map(([key, item]) => `${show(key)} => ${show(item)}`);
        return wrap(`${name}(${value.size}) `, [...items, ...fields(value, show)], '{', '}', depth);
      }
      if (value instanceof Set) {
        return wrap(`${name}(${value.size}) `, [...[...value].map(show), ...fields(value, show)], '{', '}', depth);
      }
      if (value instanceof ArrayBuffer) return `${name} { byteLength: ${value.byteLength} }`;
      if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
        const items = Array.from(value.subarray(0, maxArrayLength)).map(primitive);
        return wrap(`${name}(${value.length}) `, cut(items, value.length), '[', ']', depth);
      }
      if (value instanceof Promise) return `${name} {}`;
      if (value instanceof WeakMap || value instanceof WeakSet) return `${name} { <items unknown> }`;
      const content = fields(value, show);
      if (typeof value === 'function') return wrap(`${functionName(value)} `, content, '{', '}', depth);
      if (value instanceof Number || value instanceof String || value instanceof Boolean) {
        const boxed = `[${name}: ${primitive(value.valueOf())}]`;
        const own = value instanceof String ? [] : content;
        return own.length === 0 ? boxed : wrap(`${boxed} `, own, '{', '}', depth);
      }
      return wrap(name === 'Object' && tagged === '' ? '' : prefix('Object'), content, '{', '}', depth);
    }

    function fields(value, show, isArray = false) {
      const keys = Object.keys(value).filter((key) => !isArray || !/^\d+$/.test(key));
      const symbols = Object.getOwnPropertySymbols(value).filter((key) =>
        Object.prototype.propertyIsEnumerable.call(value, key),
      );
      return [...keys, ...symbols].map((key) => {
        const { get, set, value: held } = Object.getOwnPropertyDescriptor(value, key) ?? {};
        const label = typeof key === 'symbol' ? `[${String(key)}]` : identifier.test(key) ? key : quote(key);
        if (get !== undefined) return `${label}: ${set === undefined ? '[Getter]' : '[Getter/Setter]'}`;
        return `${label}: ${set !== undefined ? '[Setter]' : show(held)}`;
      });
    }

    function wrap(prefix, items, open, close, depth) {
      if (items.length === 0) {
        lastDepth = priorDepth;
        return `${prefix}${open}${close}`;
      }
      const line = `${prefix}${open} ${items.join(', ')} ${close}`;
      const isFlat = lastDepth - depth < levelsOnLine;
      if (isFlat && line.length + depth * 2 <= lineChars && !line.includes('\n')) return line;
      // Many short items stay on few lines.
      if (open === '[' && items.every((item) => item.length <= 6)) {
        const rows = [];
        for (let i = 0; i < items.length; i += 10) rows.push(items.slice(i, i + 10).join(', '));
        return `${prefix}${open}\n  ${rows.join(',\n  ')}\n${close}`;
      }
      return `${prefix}${open}\n  ${items.map((item) => item.replaceAll('\n', '\n  ')).join(',\n  ')}\n${close}`;
    }
  }
  inspect.custom = shown;
  inspect.defaultOptions = {};

  /** As `console.log` puts its arguments together. */
  const format = (...args) => formatWith({}, ...args);

  function formatWith(options, ...args) {
    let first = '';
    let from = 0;
    if (typeof args[0] === 'string') {
      from = 1;
      first =
        args[0].includes('%') && args.length > 1
          ? args[0].replace(/%([sdifoOjc%])/g, (match, kind) => {
              if (kind === '%') return '%';
              if (from >= args.length) return match;
              const value = args[from++];
              if (kind === 's')
                return typeof value === 'object' && value !== null
                  ? inspect(value, { ...options, depth: 0 })
                  : plain(value);
              if (kind === 'd') return typeof value === 'bigint' ? `${value}n` : String(numberOf(value, Number));
              if (kind === 'i')
                return typeof value === 'bigint' ? `${value}n` : String(numberOf(value, Number.parseInt));
              if (kind === 'f') return String(numberOf(value, Number.parseFloat));
              if (kind === 'j') return JSON.stringify(value);
              return kind === 'c' ? '' : inspect(value, options);
            })
          : args[0];
    }
    for (let i = from; i < args.length; i++) {
      first += (i > 0 ? ' ' : '') + (typeof args[i] === 'string' ? args[i] : inspect(args[i], options));
    }
    return first;
  }
  const plain = (value) => (typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : String(value));
  const numberOf = (value, parse) =>
    typeof value === 'symbol' || typeof value === 'object' ? Number.NaN : parse(value);

  return { inspect, format, formatWith };
};
