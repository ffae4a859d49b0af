/** A QEMU machine for tests: boots an image without libvirt, and uses the invocation protocol with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeInvoke, encodePing } from '../../core/runtimes/ember/channel.ts';
import {
  createFrameDecoder,
  type ErrorFrame,
  type GuestFrame,
  type HelloFrame,
  type PongFrame,
  type ResponseFrame,
} from '../../core/runtimes/ember/index.ts';

const qboot = '/usr/share/qemu/qboot.rom';

export interface MachineOptions {
  readonly image: string;
  /** Without PCI: a `microvm`, whose devices QEMU names on the kernel's command line. */
  readonly machine?: 'pc' | 'q35' | 'microvm' | undefined;
  readonly firmware?: 'qboot' | 'seabios' | undefined;
  /** A ROM in place of QEMU's own firmware. */
  readonly firmwarePath?: string | undefined;
  readonly memoryMiB?: number | undefined;
  readonly accel?: 'tcg' | 'kvm' | undefined;
  /** Default: QEMU's own. */
  readonly cpu?: string | undefined;
  /** Further QEMU arguments. */
  readonly extra?: readonly string[] | undefined;
  /** Arguments in place of the virtio serial controller. */
  readonly controller?: readonly string[] | undefined;
  readonly paused?: boolean | undefined;
}

export interface InvokeOptions {
  readonly deadlineMs?: number | undefined;
  readonly wallNs?: bigint | undefined;
  readonly tscHz?: bigint | undefined;
  readonly seed?: Uint8Array | undefined;
}

/** A running guest. */
export class Machine {
  readonly process: ChildProcess;
  readonly startedAt = performance.now();
  /** Host time at which each frame arrived, by frame. */
  readonly arrivedAt = new Map<GuestFrame, number>();
  #socket: Socket | undefined;
  #qmp: Socket | undefined;
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'ember-test-'));
  readonly #frames: GuestFrame[] = [];
  #wake: (() => void) | undefined;
  #nextId = 1;
  #stderr = '';
  readonly #isPaused: boolean;

  constructor(options: MachineOptions) {
    const { machine = 'pc', firmware = 'qboot', memoryMiB = 64, accel = 'tcg' } = options;
    const rom = options.firmwarePath ?? (firmware === 'qboot' ? qboot : undefined);
    const isMicro = machine === 'microvm';
    const controller = options.controller ?? ['-device', `virtio-serial-${isMicro ? 'device' : 'pci'},id=vs0`];
    const args = [
      ...[
        '-M',
        isMicro ? 'microvm,acpi=off' : machine,
        '-accel',
        accel,
        '-m',
        String(memoryMiB),
        '-nodefaults',
        '-no-user-config',
        '-display',
        'none',
        '-no-reboot',
      ],
      // Without this, virtio-mmio has the interface of before virtio 1.0.
      ...(isMicro ? ['-global', 'virtio-mmio.force-legacy=off'] : []),
      ...(rom === undefined ? [] : ['-bios', rom]),
      ...(options.cpu === undefined ? [] : ['-cpu', options.cpu]),
      ...['-kernel', options.image],
      ...['-chardev', `file,id=serial0,path=${this.#file('serial')}`, '-serial', 'chardev:serial0'],
      ...controller,
      ...['-chardev', `socket,id=channel0,path=${this.#file('channel')},server=on,wait=off`],
      ...['-device', 'virtserialport,chardev=channel0,name=dev.firstlight.invoke.0,nr=1'],
      ...['-qmp', `unix:${this.#file('qmp')},server=on,wait=off`],
      // It runs once the channel is connected: QEMU drops what a guest sends to a socket without a peer.
      '-S',
      ...(options.extra ?? []),
    ];
    this.#isPaused = options.paused === true;
    this.process = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr?.on('data', (data: Buffer) => {
      this.#stderr += data.toString();
    });
  }

  #file(name: string): string {
    return path.join(this.#dir, name);
  }

  async #connect(name: string): Promise<Socket> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await new Promise<Socket>((resolve, reject) => {
          const socket = createConnection(this.#file(name), () => resolve(socket)).once('error', reject);
        });
      } catch (error) {
        if (attempt > 2000 || this.process.exitCode !== null)
          throw new Error(`QEMU: ${this.#stderr}`, { cause: error });
        await sleep(2);
      }
    }
  }

  async open(): Promise<this> {
    const decoder = createFrameDecoder();
    this.#socket = await this.#connect('channel');
    this.#socket.on('data', (chunk: Buffer) => {
      const at = performance.now();
      for (const frame of decoder.push(chunk)) {
        this.#frames.push(frame);
        this.arrivedAt.set(frame, at);
      }
      this.#wake?.();
    });
    if (!this.#isPaused) await this.resume();
    return this;
  }

  /** The processor's registers, as QEMU's monitor prints them; once the machine runs. */
  async registers(): Promise<string> {
    const qmp = this.#qmp;
    if (qmp === undefined) throw new Error('The machine has not been resumed.');
    const answered = new Promise<string>((resolve, reject) => {
      let text = '';
      const take = (chunk: Buffer) => {
        text += chunk.toString();
        const answer = /^\{"return": ("(?:[^"\\]|\\.)*")/m.exec(text)?.[1];
        if (answer === undefined) return;
        qmp.off('data', take);
        resolve(JSON.parse(answer) as string);
      };
      qmp.on('data', take).once('close', () => reject(new Error(`QEMU: ${this.#stderr}`)));
    });
    const command = { execute: 'human-monitor-command', arguments: { 'command-line': 'info registers' } };
    qmp.write(`${JSON.stringify(command)}\n`);
    return answered;
  }

  /** Sends the QMP commands in order, without waiting for their replies. */
  async resume(): Promise<void> {
    const qmp = await this.#connect('qmp');
    qmp.resume();
    this.#qmp = qmp;
    qmp.write('{"execute":"qmp_capabilities"}\n{"execute":"cont"}\n');
  }

  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** The next frame that the guest sent. */
  async next(timeoutMs = 10_000): Promise<GuestFrame> {
    const until = performance.now() + timeoutMs;
    while (this.#frames.length === 0) {
      const left = until - performance.now();
      if (left <= 0)
        throw new Error(`No frame within ${timeoutMs} ms. Console:\n${this.console()}\nQEMU: ${this.#stderr}`);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        sleep(Math.min(left, 200)),
      ]);
    }
    return this.#frames.shift() as GuestFrame;
  }

  async hello(): Promise<HelloFrame> {
    const frame = await this.next();
    if (frame.type !== 'hello')
      throw new Error(
        `Expected HELLO, got ${JSON.stringify(frame, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
      );
    return frame;
  }

  sendInvoke(event: unknown, options: InvokeOptions = {}): number {
    const id = this.#nextId++;
    this.write(
      encodeInvoke({
        id,
        deadlineMs: options.deadlineMs ?? 5000,
        wallNs: options.wallNs ?? BigInt(Date.now()) * 1_000_000n,
        tscHz: options.tscHz ?? 0n,
        seed: options.seed ?? randomBytes(32),
        eventJson: typeof event === 'string' ? event : JSON.stringify(event),
      }),
    );
    return id;
  }

  /** Invokes and returns the answer, a response or an error. */
  async invoke(event: unknown, options: InvokeOptions = {}, timeoutMs = 15_000): Promise<ResponseFrame | ErrorFrame> {
    const id = this.sendInvoke(event, options);
    for (;;) {
      const frame = await this.next(timeoutMs);
      if ((frame.type === 'response' || frame.type === 'error') && frame.id === id) return frame;
    }
  }

  /** Invokes and returns the body as text, or throws the error frame's message. */
  async answer(event: unknown, options: InvokeOptions = {}): Promise<string> {
    const frame = await this.invoke(event, options);
    if (frame.type === 'error') throw new Error(`${frame.code}: ${frame.message}\n${frame.stack}`);
    return new TextDecoder().decode(frame.body);
  }

  async fails(event: unknown, options: InvokeOptions = {}, timeoutMs?: number): Promise<ErrorFrame> {
    const frame = await this.invoke(event, options, timeoutMs);
    if (frame.type !== 'error')
      throw new Error(`Expected an error, got ${frame.status} ${new TextDecoder().decode(frame.body)}`);
    return frame;
  }

  async ping(hostNs: bigint): Promise<PongFrame> {
    this.write(encodePing(7, hostNs));
    for (;;) {
      const frame = await this.next();
      if (frame.type === 'pong') return frame;
    }
  }

  /** Everything on the serial console so far. */
  console(): string {
    try {
      return readFileSync(this.#file('serial'), 'latin1');
    } catch {
      return ''; // QEMU has not opened it yet
    }
  }

  /** CPU time that QEMU has used. Units: milliseconds. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
