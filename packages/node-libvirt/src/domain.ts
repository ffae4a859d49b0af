import type { CallOptions } from './call-options.ts';
import type { Caller } from './caller.ts';
import { LibvirtError } from './errors.ts';
import { nameIn, namesOf } from './names.ts';
import * as protocol from './protocol.gen.ts';
import type { LibvirtStream } from './stream.ts';

/** A domain's state in words, with libvirt's numbers. */
export interface DomainStateInfo {
  /** `running`, `paused`, `shutoff`, `crashed`, `shutdown`, `blocked`, `pmsuspended`, `nostate`. */
  state: string;
  /** The reason, as in `booted`, `user`, `starting-up`, `destroyed`. */
  reason: string;
  stateCode: number;
  reasonCode: number;
}

/** The options of a start. */
export interface StartOptions extends CallOptions {
  /** Create the VMM with everything loaded and the processors stopped; `resume()` starts them. */
  paused?: boolean;
  /** Destroy the domain when this connection ends for any reason. */
  autodestroy?: boolean;
  /** Check the XML against libvirt's schema first. */
  validate?: boolean;
}

/** The options of metadata. */
export interface MetadataOptions extends CallOptions {
  /** True for the stored configuration of a defined domain, also while it runs. Default: what runs, where it does. */
  config?: boolean;
}

const affectOf = ({ config = false }: MetadataOptions) => (config ? protocol.Affect.CONFIG : protocol.Affect.CURRENT);

const stateNames = namesOf(protocol.DomainState);
const reasonNames = new Map<number, ReadonlyMap<number, string>>([
  [protocol.DomainState.RUNNING, namesOf(protocol.RunningReason)],
  [protocol.DomainState.PAUSED, namesOf(protocol.PausedReason)],
  [protocol.DomainState.SHUTDOWN, namesOf(protocol.ShutdownReason)],
  [protocol.DomainState.SHUTOFF, namesOf(protocol.ShutoffReason)],
  [protocol.DomainState.CRASHED, namesOf(protocol.CrashedReason)],
]);

/** The bits of StartOptions as libvirt takes them. */
export function startFlags({ paused, autodestroy, validate }: StartOptions): number {
  return (
    (paused ? protocol.CreateFlag.PAUSED : 0) |
    (autodestroy ? protocol.CreateFlag.AUTODESTROY : 0) |
    (validate ? protocol.CreateFlag.VALIDATE : 0)
  );
}

/** Words for a pair of state numbers from calls and stats. */
export function describeState(stateCode: number, reasonCode: number): DomainStateInfo {
  const reasons = reasonNames.get(stateCode);
  return {
    state: nameIn(stateNames, stateCode),
    reason: reasons ? nameIn(reasons, reasonCode) : 'unknown',
    stateCode,
    reasonCode,
  };
}

/** A handle on one domain: its names and its operations. It keeps no resource open. */
export class Domain {
  readonly #caller: Caller;
  readonly name: string;
  readonly uuid: string;
  /** libvirt's number for a running domain, -1 when it was not running at the handle's creation. */
  readonly id: number;

  constructor(caller: Caller, wire: protocol.Domain) {
    this.#caller = caller;
    this.name = wire.name;
    this.uuid = wire.uuid;
    this.id = wire.id;
  }

  get #wire(): protocol.Domain {
    return { name: this.name, uuid: this.uuid, id: this.id };
  }

  /** Whether the host starts it when libvirt starts. A transient domain cannot be. */
  async autostart(options?: CallOptions): Promise<boolean> {
    return (await this.#caller.call(protocol.domainGetAutostart, { dom: this.#wire }, options)).autostart !== 0;
  }

  async setAutostart(autostart: boolean, options?: CallOptions): Promise<void> {
    await this.#caller.call(protocol.domainSetAutostart, { dom: this.#wire, autostart: autostart ? 1 : 0 }, options);
  }

  /** Starts a defined domain; returns a handle with its new id. */
  async create(options: StartOptions = {}): Promise<Domain> {
    const args = { dom: this.#wire, flags: startFlags(options) };
    const { dom } = await this.#caller.call(protocol.domainCreateWithFlags, args, options);
    return new Domain(this.#caller, dom);
  }

  /** Stops the domain at once. With `graceful`, fails instead of killing a VMM that does not leave by itself. */
  async destroy(options: CallOptions & { graceful?: boolean } = {}): Promise<void> {
    const flags = options.graceful ? protocol.DestroyFlag.GRACEFUL : 0;
    await this.#caller.call(protocol.domainDestroyFlags, { dom: this.#wire, flags }, options);
  }

  /** Asks the guest to shut down; it may take its time or refuse. */
  async shutdown(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainShutdownFlags, { dom: this.#wire, flags: 0 }, options);
  }

  /** Asks the guest to reboot. */
  async reboot(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainReboot, { dom: this.#wire, flags: 0 }, options);
  }

  /** Presses the reset button. */
  async reset(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainReset, { dom: this.#wire, flags: 0 }, options);
  }

  async suspend(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainSuspend, { dom: this.#wire }, options);
  }

  async resume(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainResume, { dom: this.#wire }, options);
  }

  /** Saves memory and devices into a file of the daemon's host, and ends the domain. */
  async save(path: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainSaveFlags, { dom: this.#wire, to: path, xml: null, flags: 0 }, options);
  }

  /** Sends a non-maskable interrupt to every processor. */
  async injectNmi(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainInjectNmi, { dom: this.#wire, flags: 0 }, options);
  }

  /** Removes a defined domain's configuration. */
  async undefine(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(protocol.domainUndefineFlags, { dom: this.#wire, flags: 0 }, options);
  }

  async state(options: CallOptions = {}): Promise<DomainStateInfo> {
    const { state, reason } = await this.#caller.call(protocol.domainGetState, { dom: this.#wire, flags: 0 }, options);
    return describeState(state, reason);
  }

  /** Memory, vCPUs and CPU time. Units: KiB, nanoseconds. */
  async info(
    options: CallOptions = {},
  ): Promise<{ maxMemoryKib: number; memoryKib: number; vcpus: number; cpuTimeNs: number }> {
    const { state: _, ...info } = await this.#caller.call(protocol.domainGetInfo, { dom: this.#wire }, options);
    return info;
  }

  /** The domain's XML; `inactive` returns the configuration of the next start, `secure` includes passwords. */
  async xml(options: CallOptions & { inactive?: boolean; secure?: boolean } = {}): Promise<string> {
    const flags = (options.inactive ? protocol.XmlFlag.INACTIVE : 0) | (options.secure ? protocol.XmlFlag.SECURE : 0);
    return (await this.#caller.call(protocol.domainGetXmlDesc, { dom: this.#wire, flags }, options)).xml;
  }

  async isActive(options: CallOptions = {}): Promise<boolean> {
    return (await this.#caller.call(protocol.domainIsActive, { dom: this.#wire }, options)).active !== 0;
  }

  async isPersistent(options: CallOptions = {}): Promise<boolean> {
    return (await this.#caller.call(protocol.domainIsPersistent, { dom: this.#wire }, options)).persistent !== 0;
  }

  /** The metadata element stored under an XML namespace, or null when there is none. */
  async getMetadata(namespaceUri: string, options: MetadataOptions = {}): Promise<string | null> {
    const flags = affectOf(options);
    const args = { dom: this.#wire, type: protocol.MetadataType.ELEMENT, uri: namespaceUri, flags };
    try {
      return (await this.#caller.call(protocol.domainGetMetadata, args, options)).metadata;
    } catch (error) {
      if (error instanceof LibvirtError && error.code === protocol.ErrorCode.VIR_ERR_NO_DOMAIN_METADATA) return null;
      throw error;
    }
  }

  /** Stores an XML element under a namespace, `prefix` naming it in the domain's XML; null removes it. */
  async setMetadata(
    namespaceUri: string,
    prefix: string,
    xml: string | null,
    options: MetadataOptions = {},
  ): Promise<void> {
    const args = {
      dom: this.#wire,
      type: protocol.MetadataType.ELEMENT,
      metadata: xml,
      key: prefix,
      uri: namespaceUri,
      flags: affectOf(options),
    };
    await this.#caller.call(protocol.domainSetMetadata, args, options);
  }

  /** Opens a console: the first one, or the device with that alias. `force` takes it from its current client. */
  async openConsole(
    options: CallOptions & { device?: string; force?: boolean; safe?: boolean } = {},
  ): Promise<LibvirtStream> {
    const flags = (options.force ? protocol.ConsoleFlag.FORCE : 0) | (options.safe ? protocol.ConsoleFlag.SAFE : 0);
    const args = { dom: this.#wire, device: options.device ?? null, flags };
    return await this.#caller.openStream(protocol.domainOpenConsole, args, options);
  }

  /** Opens a virtio-serial channel by its target name. */
  async openChannel(name: string, options: CallOptions & { force?: boolean } = {}): Promise<LibvirtStream> {
    const args = { dom: this.#wire, name, flags: options.force ? protocol.ChannelFlag.FORCE : 0 };
    return await this.#caller.openStream(protocol.domainOpenChannel, args, options);
  }

  /** Sends one QMP command (JSON) and returns QEMU's answer (JSON). The call marks the domain as tainted. */
  async qemuMonitorCommand(json: string, options: CallOptions = {}): Promise<string> {
    const args = { dom: this.#wire, command: json, flags: 0 };
    return (await this.#caller.call(protocol.qemuMonitorCommand, args, options)).result;
  }
}
