/** Every parser of bytes from outside, as a target of the fuzzer. Add yours to its package, or here when it is core's. */
import * as disk from '@firstlight/disk/testing';
import * as elf from '@firstlight/elf/testing';
import * as files from '@firstlight/files/testing';
import * as oci from '@firstlight/oci/testing';
import * as tar from '@firstlight/tar/testing';
import * as tfs from '@firstlight/tfs/testing';
import * as libvirt from 'node-libvirt/testing';
import { guestFrames } from './guest-frames.ts';
import { inspectedImages } from './images.ts';
import { contractFrames, domainMetadata, emberPanics } from './instances.ts';
import { nanosConsoles } from './nanos-consoles.ts';
import { opsConfigs, projectConfigs, runSpecs } from './sources.ts';

const core = [
  ...[guestFrames, emberPanics, nanosConsoles, domainMetadata, contractFrames],
  ...[inspectedImages, runSpecs, opsConfigs, projectConfigs],
];

/** The targets, by their package. */
export const targetsByPackage: Readonly<Record<string, readonly files.FuzzTarget[]>> = {
  files: files.fuzzTargets,
  elf: elf.fuzzTargets,
  tar: tar.fuzzTargets,
  oci: oci.fuzzTargets,
  tfs: tfs.fuzzTargets,
  disk: disk.fuzzTargets,
  'node-libvirt': libvirt.fuzzTargets,
  core,
};

export const fuzzTargets = Object.values(targetsByPackage).flat();
