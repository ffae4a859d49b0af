import { LibvirtProtocolError } from '../errors.ts';
import { decodeHeader, encodeMessage, FrameSplitter, prefixBytes } from '../frame.ts';
import * as protocol from '../protocol.gen.ts';
import { XdrReader, type XdrWriter } from '../xdr.ts';

/** A parser with sound inputs. Shape: a `FuzzTarget` of `@firstlight/files/testing`, which this package does not need. */
interface FuzzTarget {
  readonly name: string;
  readonly corpus: () => readonly Uint8Array[];
  readonly parse: (input: Uint8Array) => unknown;
  readonly isRefusal: (thrown: unknown) => boolean;
}

const isRefusal = (thrown: unknown): boolean => thrown instanceof LibvirtProtocolError;
const domain: protocol.Domain = { name: 'guest', uuid: '01234567-89ab-cdef-0123-456789abcdef', id: 3 };
const header = { program: 0x20008086, version: 1, procedure: 1, type: 1, serial: 1, status: 0 };

const record: protocol.DomainStatsRecord = {
  dom: domain,
  params: { 'state.state': 1, 'cpu.time': 12e9, 'vcpu.0.halted': true, 'block.0.name': 'vda', 'balloon.rate': 0.5 },
};

/** The output of a daemon: messages, cut out of a stream, with records, errors and events in them. */
const messages: FuzzTarget = {
  name: 'libvirt messages',
  isRefusal,
  corpus: () => [
    encodeMessage(header, (w) => protocol.writeDomain(w, domain)),
    encodeMessage(header, (w) => protocol.writeDomainStatsRecord(w, record)),
    Buffer.concat([encodeMessage(header), encodeMessage({ ...header, status: 1 }, writeError)]),
  ],
  parse: (input) => {
    const frames: Buffer[] = [];
    new FrameSplitter().push(Buffer.from(input), (frame) => frames.push(frame));
    for (const frame of frames) {
      const { status } = decodeHeader(frame);
      const read = [protocol.readDomain, protocol.readDomainStatsRecord, protocol.readRemoteError];
      const readers = status === 1 ? read.slice(2) : read.slice(0, 2);
      const results = readers.map((reader) => isRead(() => reader(new XdrReader(frame, prefixBytes))));
      if (frame.length > prefixBytes && !results.includes(true)) throw new LibvirtProtocolError('none of them');
    }
  },
};

function writeError(w: XdrWriter): void {
  protocol.writeRemoteError(w, {
    code: 42,
    domain: 10,
    message: 'Domain not found',
    level: 2,
    dom: domain,
    str1: 'one',
    str2: null,
    str3: null,
    int1: 0,
    int2: 0,
    net: null,
  });
}

function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return false;
  }
}

export const fuzzTargets: readonly FuzzTarget[] = [messages];
