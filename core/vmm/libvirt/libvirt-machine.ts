import { existsSync } from 'node:fs';
import { type Domain, isNotFound, LibvirtError } from 'node-libvirt';
import { FirstlightError } from '#shared/errors.ts';
import { hostNs } from '#shared/model/units.ts';
import { connectConsole } from '../connect-console.ts';
import type { ConsoleStreams, RunningMachine, VmmStep } from '../vmm.ts';
import { outputAlias } from './domain-xml.ts';
import { answerTimeoutMs } from './libvirt-link.ts';
import { metadataNamespace, metadataPrefix, readMetadataXml, writeBareMetadataXml } from './metadata-xml.ts';
import { type Doing, fromLibvirt, withLibvirtErrors } from './to-firstlight-error.ts';

/** libvirt waits for QEMU to be reaped, which takes up to 1.7 s, and some seconds on a busy machine. */
const killTimeoutMs = 15_000;

const domains = new WeakMap<RunningMachine, Domain>();

/** The domain of a machine that libvirt runs. */
export const domainOf = (machine: RunningMachine): Domain | undefined => domains.get(machine);

const options = { timeoutMs: answerTimeoutMs };
/** Asks a plain question about a domain. */
export type AskDomain = <T>(doing: Doing, question: (given: typeof options) => Promise<T>) => Promise<T>;
const askAlone: AskDomain = (doing, question) => withLibvirtErrors(doing, () => question(options));

/** A domain as a machine that runs, with the steps of its creation where they are known. */
export function libvirtMachine(
  domain: Domain,
  isRemote = false,
  ask: AskDomain = askAlone,
  steps?: readonly VmmStep[],
): RunningMachine {
  const { name, uuid } = domain;
  const machine: RunningMachine = {
    name,
    uuid,
    steps,
    resume: () => {
      const timing: { sentAtNs?: bigint; receivedAtNs?: bigint } = {};
      const reply = withLibvirtErrors(`resume ${name}`, () => domain.resume({ timing }));
      const sentNs = hostNs(Number(timing.sentAtNs ?? process.hrtime.bigint()));
      return { sentNs, doneNs: reply.then(() => hostNs(Number(timing.receivedAtNs ?? process.hrtime.bigint()))) };
    },
    pause: () => withLibvirtErrors(`suspend ${name}`, () => domain.suspend({ timeoutMs: killTimeoutMs })),
    shutDown: () => withLibvirtErrors(`shut down ${name}`, () => domain.shutdown(options)),
    kill: async () => {
      try {
        await domain.destroy({ timeoutMs: killTimeoutMs });
      } catch (thrown) {
        if (!isNotFound(thrown)) throw fromLibvirt(thrown, `stop ${name}`);
      }
    },
    readState: async () => {
      const { state } = await ask(`read the state of ${name}`, (given) => domain.state(given));
      return state === 'paused' ? 'paused' : 'running';
    },
    openConsole: (sockets) =>
      isRemote
        ? openRemoteConsole(domain)
        : connectConsole({ serial: sockets.serial, output: existsSync(sockets.console) ? sockets.console : null }),
    openChannel: async (channel) => {
      try {
        return await domain.openChannel(channel);
      } catch (thrown) {
        if (thrown instanceof Error && /active channel/i.test(thrown.message)) {
          throw new FirstlightError('CONFLICT', `Another client has the channel of ${name}.`, { cause: thrown });
        }
        throw fromLibvirt(thrown, `open the channel of ${name}`);
      }
    },
    readMetadata: async () => {
      const xml = await ask(`read the metadata of ${name}`, (given) => domain.getMetadata(metadataNamespace, given));
      return xml === null ? null : await readMetadataXml(xml);
    },
    writeMetadata: (metadata) =>
      withLibvirtErrors(`write the metadata of ${name}`, () =>
        domain.setMetadata(metadataNamespace, metadataPrefix, writeBareMetadataXml(metadata), options),
      ),
    describe: () => withLibvirtErrors(`describe ${name}`, () => domain.xml(options)),
  };
  domains.set(machine, domain);
  return machine;
}

/** The console through libvirt's own streams: the sockets of a machine on another host are not here. */
async function openRemoteConsole(domain: Domain): Promise<ConsoleStreams> {
  const serial = await withLibvirtErrors(`open the console of ${domain.name}`, () => domain.openConsole());
  serial.on('error', () => undefined);
  try {
    const output = await domain.openChannel(outputAlias);
    output.on('error', () => undefined);
    return { serial, output };
  } catch (thrown) {
    // A machine without that port prints to its serial port only.
    if (isNotFound(thrown) || (thrown instanceof LibvirtError && /channel/i.test(thrown.message))) {
      return { serial, output: null };
    }
    serial.destroy();
    throw fromLibvirt(thrown, `open the console of ${domain.name}`);
  }
}
