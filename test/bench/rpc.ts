import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Connection, connect } from 'node-libvirt';
import { round, summarize } from './figures.ts';
import type { BenchOptions } from './options.ts';

const uri = 'qemu:///system';
const domainCount = 50;
const defaultRuns = 20;
/** Fifty machines take a minute to start and to end: a run of fewer rounds tries the way, and measures little. */
const shortRun = { rounds: 5, domains: 4 };
const cheapCallsPerRound = 100;
const statsRounds = 10;
const statsCallsPerRound = 5;
const warmUpRounds = 5;

/** One comparison: our round trips and the reference's. Units: milliseconds. */
export interface RpcComparison {
  oursMedianMs: number;
  oursP95Ms: number;
  referenceMedianMs: number;
  referenceP95Ms: number;
  /** Our median over the reference's: below 1 we are faster. */
  ratio: number;
  samples: number;
}

/** The result of `benchRpc`. */
export interface RpcBench {
  cheap: RpcComparison;
  stats50: RpcComparison & { domains: number; fieldsPerDomain: number };
  reference: string;
}

// Reads "cheap 100" or "stats 5" lines and answers each with a JSON list of milliseconds. It converts typed parameters
// to a dict for every domain, as ours does.
const referenceProgram = `
import json, sys, time, libvirt
conn = libvirt.open(sys.argv[1])
v = conn.getLibVersion()
print(json.dumps("python3-libvirt on libvirt %d.%d.%d" % (v // 1000000, v // 1000 % 1000, v % 1000)), flush=True)
calls = {
  "cheap": lambda: conn.getLibVersion(),
  "stats": lambda: conn.getAllDomainStats(0, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT),
}
for line in sys.stdin:
  what, count = line.split()
  call, took = calls[what], []
  for _ in range(int(count)):
    start = time.perf_counter_ns()
    call()
    took.append((time.perf_counter_ns() - start) / 1e6)
  print(json.dumps(took), flush=True)
`;

/**
 * Round trips of a cheap call and of all-domain statistics, compared with Python's binding of the C client.
 *
 * Both clients stay connected and take turns, a few calls at a time, so that the machine's load affects both equally.
 * The domains are paused 8 MiB QEMU guests, removed afterwards.
 * Errors: LibvirtConnectionError without a system daemon; an Error when python3-libvirt is not installed.
 */
export async function benchRpc({ runs = defaultRuns }: Pick<BenchOptions, 'runs'> = {}): Promise<RpcBench> {
  const reference = await Reference.start();
  try {
    const conn = await connect({ uri });
    try {
      return await measure(conn, reference, runs);
    } finally {
      await conn.close();
    }
  } finally {
    reference.stop();
  }
}

async function measure(conn: Connection, reference: Reference, runs: number): Promise<RpcBench> {
  const cheap = await compare(runs, {
    ours: () => timeCalls(cheapCallsPerRound, () => conn.libVersion()),
    theirs: () => reference.run('cheap', cheapCallsPerRound),
  });
  const herd = await createHerd(runs < shortRun.rounds ? shortRun.domains : domainCount);
  try {
    const records = await conn.getAllDomainStats({ nowait: true });
    const stats = await compare(Math.min(runs, statsRounds), {
      ours: () => timeCalls(statsCallsPerRound, () => conn.getAllDomainStats({ nowait: true })),
      theirs: () => reference.run('stats', statsCallsPerRound),
    });
    const fields = records.reduce((sum, { params }) => sum + Object.keys(params).length, 0);
    const fieldsPerDomain = Math.round(fields / records.length);
    return { cheap, stats50: { ...stats, domains: records.length, fieldsPerDomain }, reference: reference.version };
  } finally {
    await herd.destroy();
  }
}

async function timeCalls(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await call();
    took.push(performance.now() - start);
  }
  return took;
}

async function compare(
  rounds: number,
  { ours, theirs }: { ours: () => Promise<number[]>; theirs: () => Promise<number[]> },
): Promise<RpcComparison> {
  const [mine, reference]: [number[], number[]] = [[], []];
  // V8 needs a few hundred calls to compile the hot code; the daemon's caches fill at the same time.
  for (let round = 0; round < Math.min(rounds, warmUpRounds); round++) {
    await ours();
    await theirs();
  }
  for (let round = 0; round < rounds; round++) {
    mine.push(...(await ours()));
    reference.push(...(await theirs()));
  }
  const [ourSeries, referenceSeries] = [summarize(mine), summarize(reference)];
  return {
    oursMedianMs: ourSeries.median,
    oursP95Ms: ourSeries.p95,
    referenceMedianMs: referenceSeries.median,
    referenceP95Ms: referenceSeries.p95,
    ratio: round(ourSeries.median / referenceSeries.median),
    samples: ourSeries.count,
  };
}

/** Paused domains, spread over a few connections since libvirt serves five calls of one client at a time. */
async function createHerd(count: number): Promise<{ destroy(): Promise<void> }> {
  const connections = await Promise.all([1, 2, 3, 4].map(() => connect({ uri })));
  const creating = Array.from({ length: count }, (_, i) =>
    (connections[i % connections.length] as Connection).createDomainXml(domainXml(`nlv-bench-${process.pid}-${i}`), {
      paused: true,
      autodestroy: true,
    }),
  );
  const results = await Promise.allSettled(creating);
  const destroy = async () => {
    await Promise.all(results.map((result) => (result.status === 'fulfilled' ? result.value.destroy() : undefined)));
    await Promise.all(connections.map((connection) => connection.close()));
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await destroy();
    throw failed.reason;
  }
  return { destroy };
}

function domainXml(name: string): string {
  return `<domain type='qemu'>
  <name>${name}</name><memory unit='MiB'>8</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader></os>
  <devices><controller type='usb' model='none'/><memballoon model='none'/><serial type='pty'/></devices>
</domain>`;
}

/** The reference client in a separate process, which reads its measurements line by line. */
class Reference {
  readonly version: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    lines: AsyncIterator<string>,
    version: string,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.version = version;
  }

  static async start(): Promise<Reference> {
    const child = spawn('/usr/bin/python3', ['-c', referenceProgram, uri], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return new Reference(child, lines, JSON.parse(await nextLine(lines)) as string);
  }

  async run(what: 'cheap' | 'stats', count: number): Promise<number[]> {
    this.#child.stdin.write(`${what} ${count}\n`);
    return JSON.parse(await nextLine(this.#lines)) as number[];
  }

  stop(): void {
    this.#child.stdin.end();
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error('the reference client ended: is python3-libvirt installed, and libvirtd running?');
  return value as string;
}
