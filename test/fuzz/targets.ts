/** Every parser of bytes from outside, as a target of the fuzzer. Add yours: a line here, its corpus beside it. */
import { elfFiles } from './elf.ts';
import { guestFrames } from './guest-frames.ts';
import { nanosConsoles } from './nanos-consoles.ts';
import { nanosRecords, nanosVolumes, qcow2Disks, writtenVolumes } from './nanos-images.ts';
import { ociDocuments, ociTexts, opsConfigs, tarArchives } from './outside-sources.ts';
import type { FuzzTarget } from './run-fuzz.ts';

export const fuzzTargets: readonly FuzzTarget[] = [
  guestFrames,
  nanosVolumes,
  nanosRecords,
  writtenVolumes,
  qcow2Disks,
  elfFiles,
  nanosConsoles,
  tarArchives,
  ociDocuments,
  ociTexts,
  opsConfigs,
];
