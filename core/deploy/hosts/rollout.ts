/** Replaces the instances of a function one by one. */
import { fromLibvirt, withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import type { CallOutput } from '#shared/contract/index.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { thisComputer } from '../this-computer.ts';
import { describeDown, type Fleet, type TargetHost } from './fleet.ts';
import { type Instance, listInstances } from './instances.ts';
import { readLastLines } from './logs.ts';
import { defineInstance, type FindSource, placeFiles, removeInstance, removeUnusedImages } from './place.ts';
import { choosePort, portToTake } from './ports.ts';
import { type DeployedRecord, type Release, updateRecord } from './record.ts';
import { retireInstance } from './retire.ts';
import { bringUp, type Serving, takeEndpoint } from './serve.ts';

export interface RolloutRequest {
  readonly release: Release;
  readonly revision: number;
  readonly replicas: number;
  readonly find: FindSource;
  /** False: what a failed rollout has done is left. */
  readonly rollback: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

export interface RolloutResult {
  readonly answer: CallOutput<'deploy:invoke'> | null;
  readonly warnings: readonly string[];
  readonly sentBytes: number;
}

/** The number of revisions that hosts keep, with the one in service. */
const keptRevisions = 3;

const lostCodes = ['LIBVIRT_LOST', 'LIBVIRT_UNREACHABLE'];

/** A rollout under way: the hosts that are left, and what was changed, for going back. */
export class Rollout {
  readonly #fleet: Fleet;
  readonly #request: RolloutRequest;
  readonly #deployedAt = new Date().toISOString();
  readonly #warnings: string[];
  readonly #created: Instance[] = [];
  readonly #retired: Instance[] = [];
  /** Those of this revision that serve. */
  readonly #up = new Set<Instance>();
  #hosts: readonly TargetHost[];
  #before: readonly Instance[];
  /** The host of each instance, by its index. */
  #places: TargetHost[] = [];
  #sentBytes = 0;

  constructor(fleet: Fleet, request: RolloutRequest, before: readonly Instance[]) {
    this.#fleet = fleet;
    this.#request = request;
    this.#before = before;
    this.#hosts = fleet.hosts;
    this.#warnings = fleet.down.map(describeDown);
    this.#spread();
  }

  /** The hosts that get instances. */
  get hosts(): readonly TargetHost[] {
    return [...new Set(this.#places)];
  }

  /** Copies the image to the hosts that get instances. Shape: the bytes that were sent. Errors: LIBVIRT_* of the last host. */
  async copy(): Promise<number> {
    const { release, find } = this.#request;
    await Promise.all(
      this.hosts.map((host) =>
        this.#orLose(host, async () => {
          this.#sentBytes += (await placeFiles(host, release, find)).sentBytes;
        }),
      ),
    );
    return this.#sentBytes;
  }

  /** Defines all domains; none is started. Errors: CONFLICT; LIBVIRT_* of the last host. */
  async define(): Promise<void> {
    for (let index = 0; index < this.#request.replicas; index += 1) {
      const host = this.#placeOf(index);
      const isDone = await this.#orLose(host, () => this.#prepare(host, index).then(() => undefined));
      if (!isDone) index -= 1;
    }
  }

  /**
   * Starts the instances one by one; each that answers takes the place of an earlier one. A failure undoes all of it.
   *
   * Errors: DEPLOY_FAILED; CANCELLED, which leaves what was done: the next deploy finishes it.
   */
  async replace(): Promise<RolloutResult> {
    const { release, replicas, signal, onProgress } = this.#request;
    let answer: CallOutput<'deploy:invoke'> | null = null;
    try {
      for (let index = 0; index < replicas; ) {
        const host = this.#placeOf(index);
        onProgress(`Instance ${index + 1} of ${replicas}, on ${host.label}`);
        signal.throwIfAborted();
        let port = 0;
        const isUp = await this.#orLose(host, async () => {
          const instance = await this.#prepare(host, index);
          port = instance.record.port;
          answer = await bringUp(instance, replicas, this.#serving(signal));
          this.#up.add(instance);
        });
        if (!isUp) continue;
        index += 1;
        const old = this.#oldOnes();
        const predecessor = old.find((one) => one.host === host && port > 0 && one.record.port === port);
        const next = predecessor ?? old.find((one) => one.host === host) ?? old[0];
        // As many of the old ones stay as there are new ones to come, but one whose endpoint is another's is of no use.
        if (next !== undefined && (predecessor !== undefined || old.length > replicas - index))
          await this.#retire(next);
      }
      for (const old of this.#oldOnes()) await this.#retire(old);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED' || signal.aborted) throw thrown;
      throw await this.#fail(error);
    }
    await this.#cleanUp(release.functionName);
    return { answer, warnings: this.#warnings, sentBytes: this.#sentBytes };
  }

  /** Instances in service that are not wanted: of other revisions, and beyond the number of replicas. */
  #oldOnes(): Instance[] {
    const { revision } = this.#request;
    const isWanted = ({ record, host }: Instance) =>
      record.revision === revision && this.#places[record.index] === host;
    return this.#before.filter(
      (one) =>
        this.#hosts.includes(one.host) &&
        (one.isInService || one.state !== 'shutoff') &&
        !isWanted(one) &&
        !this.#retired.includes(one),
    );
  }

  /** Places each instance: where it is already, else on the host with the fewest. */
  #spread(): void {
    const { revision, replicas } = this.#request;
    const there = [...this.#before, ...this.#created].filter(({ record }) => record.revision === revision);
    const places: (TargetHost | undefined)[] = Array.from({ length: replicas }, (_, index) =>
      this.#hosts.find((host) => there.some((one) => one.host === host && one.record.index === index)),
    );
    const countOf = (host: TargetHost) => places.filter((one) => one === host).length;
    for (const [index, place] of places.entries()) {
      places[index] = place ?? [...this.#hosts].sort((a, b) => countOf(a) - countOf(b))[0];
    }
    this.#places = places.filter((one) => one !== undefined);
  }

  #placeOf(index: number): TargetHost {
    const host = this.#places[index];
    if (host === undefined) throw new FirstlightError('INTERNAL', `Instance ${index} has no host.`);
    return host;
  }

  /** Does work on a host; one that is lost meanwhile gets no instance. Shape: false then. Errors: that of the last host. */
  async #orLose(host: TargetHost, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (thrown) {
      const error = fromLibvirt(thrown, `deploy to ${host.label}`);
      const isLost = lostCodes.includes(error.code) || !host.connection.connected;
      if (!isLost || !this.#hosts.includes(host)) throw error;
      if (this.#hosts.length === 1) throw error;
      this.#hosts = this.#hosts.filter((one) => one !== host);
      this.#warnings.push(describeDown({ label: host.label, error }));
      this.#spread();
      return false;
    }
  }

  /** The domain of an instance, defined with its files there. */
  async #prepare(host: TargetHost, index: number): Promise<Instance> {
    const { release, revision, replicas, find } = this.#request;
    const found = this.#instancesOn(host).find(({ record }) => record.revision === revision && record.index === index);
    if (found !== undefined) return found;
    const { kind: accel } = await host.accelerator.choose(release.runtime);
    const doing = `define an instance of ${release.functionName} on ${host.label}`;
    const known = portToTake(this.#instancesOn(host), revision);
    const port = release.guestPort === 0 ? 0 : (known ?? (await choosePort(host)));
    const record: DeployedRecord = {
      ...release,
      ...{ revision, index, replicas, port, accel, deployedAt: this.#deployedAt, deployedBy: thisComputer() },
    };
    const files = await placeFiles(host, release, find);
    const domain = await withLibvirtErrors(doing, () => defineInstance(host, record, files));
    const made = { host, domain, record, state: 'shutoff', reason: 'unknown', isInService: false };
    this.#created.push(made);
    // Another program may have removed the image before a domain used it.
    this.#sentBytes += files.sentBytes + (await placeFiles(host, release, find)).sentBytes;
    return made;
  }

  /** What instances are brought up with. */
  #serving(signal: AbortSignal): Serving {
    return {
      ...{ runtimes: this.#fleet.runtimes, find: this.#request.find, signal },
      instancesOn: (host) => this.#instancesOn(host),
      warn: (message) => this.#warnings.push(message),
    };
  }

  #instancesOn(host: TargetHost): Instance[] {
    return [...this.#before, ...this.#created].filter((one) => one.host === host);
  }

  /** Takes an instance out of service, once no request is in it. Its host keeps it for going back. */
  async #retire(instance: Instance): Promise<void> {
    const { domain, host, record } = instance;
    const { revision, replicas, signal } = this.#request;
    this.#retired.push(instance);
    await this.#orLose(host, async () => {
      await retireInstance(instance, this.#fleet.runtimes, signal);
      if (record.revision !== revision) return;
      await withLibvirtErrors(`note the number of instances on ${host.label}`, () =>
        updateRecord(domain, { ...record, replicas }),
      );
    });
  }

  /** Removes the revisions that are too old, domains that no revision needs, and images without a domain. */
  async #cleanUp(functionName: string): Promise<void> {
    const { revision, replicas } = this.#request;
    try {
      const all = await listInstances({ ...this.#fleet, hosts: this.#hosts }, functionName);
      const idle = all.filter((one) => !one.isInService).sort((a, b) => a.record.index - b.record.index);
      const kept = [...new Set(idle.map(({ record }) => record.revision).filter((one) => one !== revision))]
        .sort((a, b) => b - a)
        .slice(0, keptRevisions - 1);
      // One domain on a host keeps the image and the settings of a revision; so it does when there are 0 replicas.
      const isNeeded = ({ record }: Instance) =>
        record.revision === revision ? replicas === 0 : kept.includes(record.revision);
      for (const host of this.#hosts) {
        const seen = new Set<number>();
        for (const one of idle.filter((each) => each.host === host)) {
          const isFirst = !seen.has(one.record.revision);
          seen.add(one.record.revision);
          if (!isNeeded(one) || !isFirst) await removeInstance(host, one.domain);
        }
        await removeUnusedImages(host);
      }
    } catch (thrown) {
      this.#warnings.push(`Earlier instances were not removed. ${toFirstlightError(thrown).message}`);
    }
  }

  /** Goes back to what was before. Shape: the error for a person. */
  async #fail(error: FirstlightError): Promise<FirstlightError> {
    const { release, rollback } = this.#request;
    const { functionName } = release;
    const last = this.#created.at(-1);
    const lines = last === undefined ? [] : await readLastLines(last.host, last.domain.name).catch(() => []);
    const went = rollback ? await this.#goBack() : 'It was left as it is.';
    return new FirstlightError(
      'DEPLOY_FAILED',
      `${functionName} does not run on ${this.#fleet.target.name}: ${error.message}`,
      {
        hint: went,
        details: { output: [...this.#warnings, ...lines].join('\n'), subject: functionName },
        cause: error,
      },
    );
  }

  async #goBack(): Promise<string> {
    const signal = AbortSignal.timeout(goBackTimeoutMs);
    const serving = this.#serving(signal);
    try {
      const reached = ({ host }: Instance) => this.#hosts.includes(host);
      const created = this.#created.filter(reached);
      for (const one of created.filter((each) => !this.#up.has(each))) await removeInstance(one.host, one.domain);
      for (const one of this.#before.filter((each) => reached(each) && each.isInService)) {
        if (this.#retired.includes(one)) await bringUp(one, one.record.replicas, serving);
        else if (one.state === 'running') await takeEndpoint(one, serving);
      }
      for (const one of created.filter((each) => this.#up.has(each))) {
        await retireInstance(one, this.#fleet.runtimes, signal);
        await removeInstance(one.host, one.domain);
      }
      for (const host of this.hosts) await removeUnusedImages(host);
      const before = Math.max(0, ...this.#before.filter((one) => one.isInService).map(({ record }) => record.revision));
      return before === 0 ? 'It was new, so it was taken away again.' : `Revision ${before} is in service.`;
    } catch (thrown) {
      return `It could not go back: ${toFirstlightError(thrown).message} Deploy again to finish.`;
    }
  }
}

const goBackTimeoutMs = 180_000;
