/** Makes broken inputs from sound ones, the same ones for the same seed. */

/** Numbers from 0 to below `limit`, in the same sequence for the same seed. */
export interface Random {
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
}

/** Source: the finaliser of MurmurHash3. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A counter, mixed: quick, and good enough to spread mutations. */
export function createRandom(seed: number): Random {
  let state = mix(seed);
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state);
  };
  return {
    below: (limit) => (limit <= 1 ? 0 : next() % limit),
    chance: (probability) => next() < probability * 2 ** 32,
  };
}

type Mutation = (input: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array;

/** Values at the edges of what lengths, counts and offsets are checked against. */
const edges = [0n, 1n, 7n, 0x7fn, 0x80n, 0xffn, 0x1ffn, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn];
const wideEdges = [...edges, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];
const textEdges = ['0', '-1', '1e9', '4294967296', '9007199254740993', '99999999999999999999', '07', 'x', ''];

const pick = <Item>(items: readonly Item[], random: Random): Item => items[random.below(items.length)] as Item;

/** Inputs are mostly padding: a place with a nonzero byte is tried first. */
function placeIn(input: Uint8Array, random: Random): number {
  let at = random.below(input.length);
  for (let tries = 0; tries < 24 && input[at] === 0 && random.chance(0.9); tries++) at = random.below(input.length);
  return at;
}

/** Most parts of a format are short, but some damage is long. */
const lengthUpTo = (most: number, random: Random) =>
  random.below(Math.max(1, random.chance(0.8) ? Math.min(most, 32) : most));

function splice(input: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const end = Math.min(input.length, at + removed);
  const output = new Uint8Array(at + added.length + input.length - end);
  output.set(input.subarray(0, at));
  output.set(added, at);
  output.set(input.subarray(end), at + added.length);
  return output;
}

const changed = (input: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  // Not `slice`: that of a Buffer copies nothing, and would change the corpus.
  const copy = new Uint8Array(input);
  change(copy);
  return copy;
};

const mutations: readonly Mutation[] = [
  function flipBits(input, random) {
    return changed(input, (copy) => {
      for (let left = 1 + random.below(8); left > 0; left--) {
        const at = placeIn(copy, random);
        copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      }
    });
  },
  function setByte(input, random) {
    return changed(input, (copy) => {
      copy[placeIn(copy, random)] = random.chance(0.5) ? Number(pick(edges, random) & 0xffn) : random.below(256);
    });
  },
  function setNumber(input, random) {
    return changed(input, (copy) => {
      const width = pick([2, 4, 8], random);
      if (copy.length < width) return;
      const at = Math.min(placeIn(copy, random), copy.length - width);
      let value = random.chance(0.2) ? BigInt(input.length + random.below(3) - 1) : pick(wideEdges, random);
      const little = random.chance(0.5);
      for (let index = 0; index < width; index++, value >>= 8n) {
        copy[little ? at + index : at + width - 1 - index] = Number(value & 0xffn);
      }
    });
  },
  /** An endless varint: every byte announces one more. */
  function stretchVarint(input, random) {
    const run = new Uint8Array(1 + random.below(12)).fill(random.chance(0.5) ? 0xff : 0x80);
    return splice(input, placeIn(input, random), random.chance(0.5) ? run.length : 0, run);
  },
  /** Formats that write numbers as text: JSON, tar, TFS. */
  function setTextNumber(input, random) {
    let at = placeIn(input, random);
    const isDigit = (index: number) => (input[index] ?? 0) >= 0x30 && (input[index] ?? 0) <= 0x39;
    for (let tries = 0; tries < 4096 && !isDigit(at); tries++) at = (at + 1) % input.length;
    let end = at;
    while (end < input.length && isDigit(end)) end++;
    const text = new TextEncoder().encode(pick(textEdges, random));
    return random.chance(0.5) && text.length <= end - at
      ? changed(input, (copy) => copy.set(text, at))
      : splice(input, at, end - at, text);
  },
  function removeSome(input, random) {
    return splice(input, placeIn(input, random), 1 + lengthUpTo(input.length, random), new Uint8Array());
  },
  function repeatSome(input, random) {
    const from = placeIn(input, random);
    const piece = input.subarray(from, from + 1 + lengthUpTo(input.length - from, random));
    return splice(input, placeIn(input, random), random.chance(0.5) ? piece.length : 0, piece);
  },
  function takeFromAnother(input, random, corpus) {
    const other = pick(corpus, random);
    if (other.length === 0) return input;
    const from = placeIn(other, random);
    const piece = other.subarray(from, from + 1 + lengthUpTo(other.length - from, random));
    return splice(input, placeIn(input, random), random.chance(0.7) ? piece.length : 0, piece);
  },
  function insertNoise(input, random) {
    const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
    return splice(input, placeIn(input, random), 0, noise);
  },
  function fillSome(input, random) {
    const at = placeIn(input, random);
    return changed(input, (copy) =>
      copy.fill(random.chance(0.5) ? 0 : random.below(256), at, at + 1 + lengthUpTo(copy.length - at, random)),
    );
  },
  function cutShort(input, random) {
    return input.subarray(0, random.below(input.length));
  },
];

/**
 * The input of a number: one of the corpus, changed in one way as often as not, and in four at most.
 *
 * Shape: it depends on `seed`, `index` and the corpus alone, so a failure is repeated by its number.
 */
export function mutate(corpus: readonly Uint8Array[], seed: number, index: number): Uint8Array {
  const random = createRandom(mix(seed + 1) ^ index);
  let input = pick(corpus, random);
  for (let left = random.chance(0.5) ? 1 : 1 + random.below(4); left > 0 && input.length > 0; left--) {
    input = pick(mutations, random)(input, random, corpus);
  }
  return input;
}
