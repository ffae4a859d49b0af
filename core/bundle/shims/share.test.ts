import { describe, expect, it } from 'vitest';
import { openShare } from './share.ts';

type Node = { readonly [name: string]: Node } | Uint8Array | 'link' | 'pipe' | 'closed';

const tree: Node = {
  'a.txt': new TextEncoder().encode('héllo'),
  empty: new Uint8Array(),
  large: Uint8Array.from({ length: 700_001 }, (_, at) => at % 251),
  out: 'link',
  wait: 'pipe',
  shut: 'closed',
  é: { deep: { 'x.bin': Uint8Array.of(0, 255) } },
  many: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}`, new Uint8Array()])),
};

const isFolder = (node: Node): node is { readonly [name: string]: Node } =>
  typeof node === 'object' && !(node instanceof Uint8Array);
const modeOf = (node: Node) =>
  isFolder(node) ? 0o040755 : node === 'link' ? 0o120777 : node === 'pipe' ? 0o010644 : 0o100644;

/** A folder's offsets are the host's own: file systems have hashes there. */
const largeStep = 2n ** 52n + 1n;

/** A 9P server for `root`, as QEMU's for a folder. `change`: what becomes of an answer on its way. */
function serve(root: Node, change: (answer: Buffer) => Buffer = (answer) => answer) {
  const fids = new Map<number, Node>();
  const seen: string[] = [];
  const answerTo = (type: number, body: Buffer): Buffer => {
    const refused = (number: number) => {
      const ecode = Buffer.alloc(4);
      ecode.writeUInt32LE(number);
      return Buffer.concat([Buffer.of(7), ecode]);
    };
    const fid = body.readUInt32LE(0);
    const node = fids.get(fid);
    const sized = (data: Buffer) => {
      const count = Buffer.alloc(4);
      count.writeUInt32LE(data.length);
      return Buffer.concat([Buffer.of(type + 1), count, data]);
    };
    if (type === 100) return Buffer.concat([Buffer.of(101), body.subarray(0, 4), body.subarray(4)]);
    if (type === 104) {
      fids.set(fid, root);
      return Buffer.concat([Buffer.of(105), Buffer.alloc(13)]);
    }
    if (node === undefined) return refused(9);
    if (type === 110) {
      const count = body.readUInt16LE(8);
      if (count > 16) return refused(22);
      let at = node;
      let walked = 0;
      for (let offset = 10; walked < count; walked++) {
        const length = body.readUInt16LE(offset);
        const name = body.subarray(offset + 2, offset + 2 + length).toString();
        seen.push(name);
        offset += 2 + length;
        const next = isFolder(at) && Object.hasOwn(at, name) ? at[name] : undefined;
        if (next === undefined) {
          if (walked === 0) return refused(isFolder(at) ? 2 : 20);
          break;
        }
        at = next;
      }
      if (walked === count) fids.set(body.readUInt32LE(4), at);
      return Buffer.concat([Buffer.of(111, walked, 0), Buffer.alloc(13 * walked)]);
    }
    if (type === 120) {
      fids.delete(fid);
      return Buffer.of(121);
    }
    if (type === 24) {
      const attributes = Buffer.alloc(153);
      attributes.writeUInt32LE(modeOf(node), 21);
      attributes.writeBigUInt64LE(BigInt(node instanceof Uint8Array ? node.length : 0), 49);
      return Buffer.concat([Buffer.of(25), attributes]);
    }
    if (type === 12) return node === 'closed' ? refused(13) : Buffer.concat([Buffer.of(13), Buffer.alloc(17)]);
    const given = body.readBigUInt64LE(4);
    const offset = Number(type === 40 ? given / largeStep : given);
    const count = body.readUInt32LE(12);
    if (type === 116 && node instanceof Uint8Array) return sized(Buffer.from(node.subarray(offset, offset + count)));
    if (type !== 40 || !isFolder(node)) return refused(95);
    const entries: Buffer[] = [];
    // A short piece: a folder takes several.
    for (const [at, name] of ['.', '..', ...Object.keys(node)].entries()) {
      if (at < offset || entries.length >= 50) continue;
      const bytes = Buffer.from(name);
      const entry = Buffer.alloc(24);
      entry.writeBigUInt64LE(BigInt(at + 1) * largeStep, 13);
      entry.writeUInt16LE(bytes.length, 22);
      entries.push(entry, bytes);
    }
    return sized(Buffer.concat(entries));
  };
  const call = (operation: number, ...args: unknown[]) => {
    const [message, room, length] = args as [ArrayBuffer, ArrayBuffer, ArrayBuffer];
    const asked = Buffer.from(message);
    expect([operation, asked.readUInt32LE(0)]).toEqual([2, asked.length]);
    const body = answerTo(asked.readUInt8(4), asked.subarray(7));
    const head = Buffer.alloc(7);
    head.writeUInt32LE(6 + body.length);
    head.writeUInt8(body.readUInt8(0), 4);
    const answer = change(Buffer.concat([head, body.subarray(1)]));
    expect(answer.length).toBeLessThanOrEqual(room.byteLength);
    new Uint8Array(room).set(answer);
    new Uint32Array(length)[0] = answer.length;
  };
  return { call, fids, seen };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('a shared folder', () => {
  it('has files and folders, and keeps nothing open', () => {
    const { call, fids } = serve(tree);
    const share = openShare(call);
    expect(share.find('')).toEqual({ names: Object.keys(tree).sort() });
    expect(share.find('a.txt')).toEqual({ file: 'a.txt', bytes: 6, isLink: false });
    expect(text(share.read('a.txt'))).toBe('héllo');
    expect(share.read('empty').length).toBe(0);
    expect(Buffer.compare(share.read('large'), tree.large as Uint8Array)).toBe(0);
    expect(share.read('é/deep/x.bin')).toEqual(Uint8Array.of(0, 255));
    expect(share.find('many')).toMatchObject({ names: expect.objectContaining({ length: 500 }) });
    expect([share.find('none'), share.find('é/none/x'), share.find('a.txt/x')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([...fids.keys()]).toEqual([0]);
  });

  it('is read anew by each call', () => {
    const changing: { [name: string]: Node } = { 'a.txt': new TextEncoder().encode('old') };
    const share = openShare(serve(changing).call);
    expect(text(share.read('a.txt'))).toBe('old');
    changing['a.txt'] = new TextEncoder().encode('newer');
    expect(text(share.read('a.txt'))).toBe('newer');
    changing['b.txt'] = new Uint8Array();
    expect(share.find('')).toEqual({ names: ['a.txt', 'b.txt'] });
  });

  it('takes a path of more names than one message has', () => {
    const deep = Array.from({ length: 40 }).reduce<Node>((inner) => ({ d: inner }), { 'x.txt': Uint8Array.of(1) });
    const { call, fids } = serve(deep);
    const share = openShare(call);
    const below = 'd/'.repeat(40);
    expect(share.read(`${below}x.txt`)).toEqual(Uint8Array.of(1));
    expect(share.find(`${below}y.txt`)).toBeUndefined();
    expect([...fids.keys()]).toEqual([0]);
  });

  it('follows no link, waits for no pipe, and says what is closed', () => {
    const share = openShare(serve(tree).call);
    expect(share.find('out')).toMatchObject({ isLink: true });
    expect(() => share.read('out')).toThrow(expect.objectContaining({ code: 'ELOOP' }));
    expect(() => share.read('wait')).toThrow(expect.objectContaining({ code: 'EACCES' }));
    expect(() => share.read('none')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    const closed = openShare(serve({ shut: { x: 'closed' } }).call);
    expect(() => closed.read('shut/x')).toThrow(expect.objectContaining({ code: 'EACCES' }));
  });

  it('is not there in a machine without one', () => {
    expect(() => openShare(() => undefined)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  });
});

describe('a host that lies', () => {
  const wholeAs = (change: (answer: Buffer) => void, bytes?: number) => (answer: Buffer) => {
    const changed = answer.subarray(0, bytes);
    change(changed);
    return changed;
  };
  it.each<[string, (answer: Buffer) => Buffer]>([
    ['another length', wholeAs((answer) => answer.writeUInt32LE(answer.length + 1))],
    ['another message', wholeAs((answer) => answer.writeUInt8(99, 4))],
    ['half an answer', wholeAs((answer) => answer.writeUInt32LE(9), 9)],
  ])('%s is an error', (_, change) => {
    expect(() => openShare(serve(tree, change).call)).toThrow(expect.objectContaining({ code: 'EIO' }));
  });

  it('never gets further than an error, whatever it answers', () => {
    let state = 12345;
    const next = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    let answers = 0;
    let errors = 0;
    for (let round = 0; round < 700; round++) {
      const { call } = serve({ 'a.txt': Uint8Array.of(1, 2, 3), d: { e: Uint8Array.of(4) } }, (answer) => {
        const changed = Buffer.from(answer);
        if (next(3) > 0) return changed;
        for (let i = next(3); i >= 0; i--) changed[next(changed.length)] = next(2) ? next(256) : 255;
        const cut = next(4) === 0 ? changed.subarray(0, 1 + next(changed.length)) : changed;
        if (next(2) && cut.length >= 4) cut.writeUInt32LE(cut.length);
        return cut;
      });
      for (const use of [
        () => openShare(call).read('a.txt'),
        () => openShare(call).find(''),
        () => openShare(call).find('d/e'),
      ]) {
        try {
          const found = use();
          answers++;
          if (found !== undefined && 'names' in found)
            for (const name of found.names) expect(name).not.toMatch(/\/|^\.\.?$|^$/);
        } catch (thrown) {
          errors++;
          expect(thrown).toMatchObject({ code: expect.stringMatching(/^E[A-Z]+$/) });
        }
      }
    }
    expect(answers).toBeGreaterThan(200);
    expect(errors).toBeGreaterThan(200);
  });
});
