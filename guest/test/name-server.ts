/**
 * A name server between a guest and QEMU's user-mode network: it answers the frames that are for it, and passes on all
 * others. The network must not see the questions: it would ask a real name server.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Its address, near the guest; any that QEMU's own network leaves free. */
export const nameServerAddress = '10.0.2.53';

export interface NameServer {
  /** QEMU arguments for the guest's card. */
  readonly qemuArgs: readonly string[];
  /** The names that it was asked for, in order. */
  readonly asked: string[];
  readonly close: () => void;
}

const address = Buffer.from(nameServerAddress.split('.').map(Number));
const hardware = Buffer.from([0x52, 0x55, ...address]);
const types = { ip: 0x0800, arp: 0x0806 } as const;
const udp = 17;
const port = 53;
const [ipBytes, udpBytes, ethernetBytes] = [20, 8, 14];

/** A name server that knows these names. One that begins with `silent` has no answer; any other is not known. */
export async function openNameServer(known: Readonly<Record<string, string>>): Promise<NameServer> {
  const asked: string[] = [];
  const guest = await listenForFrames((frame) => {
    if (!isForUs(frame)) return network.send(frame);
    const reply = answer(frame);
    if (reply !== null) guest.send(reply);
  });
  const network = await listenForFrames((frame) => guest.send(frame));

  function answer(frame: Buffer): Buffer | null {
    if (frame.readUInt16BE(12) === types.arp) return answerArp(frame);
    if (frame[23] !== udp) return null;
    const question = frame.subarray(ethernetBytes + ipBytes + udpBytes);
    const name = nameIn(question);
    asked.push(name);
    return name.startsWith('silent') ? null : answerQuestion(frame, question, known[name]);
  }

  return {
    asked,
    qemuArgs: [
      ...['-netdev', `socket,id=net0,connect=127.0.0.1:${guest.port}`],
      ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
      ...['-netdev', 'user,id=host', '-netdev', 'hubport,id=hub-host,hubid=0,netdev=host'],
      ...['-netdev', `socket,id=relay,connect=127.0.0.1:${network.port}`],
      ...['-netdev', 'hubport,id=hub-relay,hubid=0,netdev=relay'],
    ],
    close: () => {
      guest.close();
      network.close();
    },
  };
}

/** Takes QEMU's connection. Shape: each frame follows its length in 4 bytes, big-endian. */
async function listenForFrames(onFrame: (frame: Buffer) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const end = 4 + received.readUInt32BE(0);
        onFrame(received.subarray(4, end));
        received = received.subarray(end);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send: (frame: Buffer) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      sockets[0]?.write(Buffer.concat([length, frame]));
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const isForUs = (frame: Buffer): boolean => {
  const type = frame.readUInt16BE(12);
  if (type === types.arp) return frame.readUInt16BE(20) === 1 && frame.subarray(38, 42).equals(address);
  return type === types.ip && frame.subarray(30, 34).equals(address);
};

/** The frame that goes back to where this one came from, with new content. */
const replyTo = (frame: Buffer, content: Buffer) =>
  Buffer.concat([frame.subarray(6, 12), hardware, frame.subarray(12, 14), content]);

function answerArp(frame: Buffer): Buffer {
  const asker = frame.subarray(22, 32);
  return replyTo(frame, Buffer.concat([Buffer.from([0, 1, 8, 0, 6, 4, 0, 2]), hardware, address, asker]));
}

/** The name in the first question of a message. */
function nameIn(message: Buffer): string {
  const labels: string[] = [];
  for (let at = 12, length = message[at] ?? 0; length > 0; at += 1 + length, length = message[at] ?? 0)
    labels.push(message.subarray(at + 1, at + 1 + length).toString());
  return labels.join('.');
}

/** Source: RFC 1035, section 4. Without an address: there is no such name. */
function answerQuestion(frame: Buffer, question: Buffer, known: string | undefined): Buffer {
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...(known ?? '').split('.').map(Number)]);
  const message = Buffer.concat([question, known === undefined ? Buffer.alloc(0) : record]);
  message.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
  message.writeUInt16BE(known === undefined ? 0 : 1, 6);
  const ports = Buffer.alloc(udpBytes);
  ports.writeUInt16BE(port, 0);
  ports.writeUInt16BE(frame.readUInt16BE(ethernetBytes + ipBytes), 2);
  // A checksum of 0 is none.
  ports.writeUInt16BE(udpBytes + message.length, 4);
  const head = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, udp, 0, 0, ...address, ...frame.subarray(26, 30)]);
  head.writeUInt16BE(ipBytes + udpBytes + message.length, 2);
  let sum = 0;
  for (let at = 0; at < ipBytes; at += 2) sum += head.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  head.writeUInt16BE(~sum & 0xffff, 10);
  return replyTo(frame, Buffer.concat([head, ports, message]));
}
