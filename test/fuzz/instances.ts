/** The data that core reads from instances: a guest's output, and a domain's metadata, which anyone may write. */
import type { FuzzTarget } from '@firstlight/files/testing';
import { readInstanceRecord } from '#core/instances/instance-record.ts';
import { readEmberPanic } from '#core/runtimes/ember/read-panic.ts';
import { readMetadataXml } from '#core/vmm/libvirt/metadata-xml.ts';
import { decodeEngineFrame, encodeFrame } from '#shared/contract/ws-codec.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isRefusal } from './is-refusal.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (input: Uint8Array) => new TextDecoder().decode(input);
const refuse = (what: string) => {
  throw new FirstlightError('BAD_INPUT', what);
};

/** The console of an Ember guest that panicked. A console without a report is not an error. */
export const emberPanics: FuzzTarget = {
  name: 'panics of Ember',
  isRefusal,
  corpus: () => [
    encode(
      'hello\r\n\r\nember: page fault (vector 14, error 0x2)\r\n  write at 0000000000000000, page not present\r\n',
    ),
    encode('ember: panic: no memory for the heap\n'),
  ],
  parse: (input) => readEmberPanic(decode(input)) ?? refuse('There is no panic.'),
};

const metadata =
  '<firstlight:instance xmlns:firstlight="https://firstlight.dev/xmlns/instance/1" id="a-01234567" home="/h" projectId="0123456789ab"' +
  ` functionName="a" imageId="${'0'.repeat(64)}" bundleId="${'0'.repeat(64)}" imagePath="/h/i" runtime="ember" accel="tcg"` +
  ' startMode="cold" memoryMiB="64" vcpus="1" timeoutMs="1000" keep="true" createdAt="2026-01-01T00:00:00Z" socketDir="/h/s">' +
  '<firstlight:owner pid="1" startTicks="2" bootId="b"/></firstlight:instance>';

/** The metadata of a domain. */
export const domainMetadata: FuzzTarget = {
  name: 'metadata of domains',
  share: 0.5,
  isRefusal,
  corpus: () => [encode(metadata)],
  parse: async (input) => readInstanceRecord(await readMetadataXml(decode(input))) ?? refuse('It is nobody of ours.'),
};

/** Frames of the window's protocol, as text and as bytes. */
export const contractFrames: FuzzTarget = {
  name: 'frames of the contract',
  isRefusal,
  corpus: () =>
    [
      encodeFrame({ type: 'data', id: 7, bytes: encode('console') }),
      encodeFrame({ type: 'result', id: 7, value: { a: [1, null] } } as never),
      encodeFrame({ type: 'error', id: 7, error: { code: 'CANCELLED', message: 'm' } } as never),
    ].map((frame) => (typeof frame === 'string' ? encode(frame) : frame)),
  parse: (input) => decodeEngineFrame(decode(input)) ?? decodeEngineFrame(input) ?? refuse('It is not a frame.'),
};
