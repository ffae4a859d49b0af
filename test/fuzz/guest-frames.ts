import type { FuzzTarget } from '@firstlight/files/testing';
import { createFrameDecoder } from '#core/runtimes/ember/frame-decoder.ts';
import { isRefusal } from './is-refusal.ts';

/** HELLO and ERROR, whole. Source: guest/PROTOCOL.md; core/runtimes/ember/channel.test.ts has them with every field named. */
const frames = [
  '480000000101000000000000' +
    '00e1f50500000000009435770000000002000000000000000100000016000000000300000000000' +
    '00000000000000000' +
    '40420f0000000000070000000000000080841e0000000000',
  '520000000401000006000000' +
    '00e1f5050000000000943577000000000200000000000000020001000300000004000000030000000' +
    '000000000000000' +
    '40420f0000000000070000000000000080841e0000000000457272' +
    '6c617465617420',
];

/** The frames of an Ember guest on its channel. */
export const guestFrames: FuzzTarget = {
  name: 'guest frames',
  isRefusal,
  corpus: () => frames.map((frame) => new Uint8Array(Buffer.from(frame, 'hex'))),
  parse: (input) => createFrameDecoder().push(input),
};
