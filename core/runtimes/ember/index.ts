/** Ember: TypeScript on QuickJS in the built-in unikernel, with the evaluated heap inside the image. */
export { createBaker } from './baker.ts';
export * from './channel.ts';
export { createFrameDecoder, type FrameDecoder } from './frame-decoder.ts';
export { type EmberMark, invokePortName, markNames } from './layout.ts';
export type { BakedImage, BakeRequest, Baker, BakerOptions } from './types.ts';
