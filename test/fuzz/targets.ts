/** Every parser of bytes from outside, as a target of the fuzzer. Add yours: a line here, its corpus beside it. */
import { guestFrames } from './guest-frames.ts';
import { ociDocuments, ociTexts, opsConfigs, tarArchives } from './outside-sources.ts';
import type { FuzzTarget } from './run-fuzz.ts';

export const fuzzTargets: readonly FuzzTarget[] = [guestFrames, tarArchives, ociDocuments, ociTexts, opsConfigs];
