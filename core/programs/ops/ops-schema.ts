/**
 * The keys of ops' config.json, and the treatment of those without a counterpart here.
 *
 * Source: nanovms/ops `types/config.go`; the effect of a key there is in `lepton/image.go` and `provider/onprem`.
 */
import { z } from 'zod';

const text = z.string().optional();
const texts = z.array(z.string()).optional();
const textMap = z.record(z.string(), z.string()).optional();
const flag = z.boolean().optional();
const whole = z.number().int().optional();
const anyMap = z.record(z.string(), z.unknown()).optional();

const nicSchema = z.strictObject({
  IPAddress: text,
  IPv6Address: text,
  NetMask: text,
  Gateway: text,
  BridgeName: text,
});

const runSchema = z.strictObject({
  Accel: flag,
  AtExit: text,
  Bridged: flag,
  BridgeIPAddress: text,
  BridgeName: text,
  CanIPForward: flag,
  CPUs: whole,
  GPUs: whole,
  GPUType: text,
  Debug: flag,
  Gateway: text,
  GdbPort: whole,
  ImageName: text,
  InstanceGroup: text,
  InstanceName: text,
  IPAddress: text,
  IPv6Address: text,
  Kernel: text,
  Memory: text,
  Mgmt: text,
  Vga: flag,
  Mounts: texts,
  AttachVolumeOnInstanceCreate: flag,
  NetMask: text,
  Nics: z.array(nicSchema).optional(),
  Background: flag,
  BackgroundDetach: flag,
  Ports: texts,
  QMP: flag,
  ShowDebug: flag,
  ShowErrors: flag,
  ShowWarnings: flag,
  JSON: flag,
  TapName: text,
  UDPPorts: texts,
  Verbose: flag,
  VolumeSizeInGb: whole,
  ThreadsPerCore: whole,
});

export const opsConfigSchema = z.strictObject({
  Args: texts,
  DisableArgsCopy: flag,
  BaseVolumeSz: text,
  Boot: text,
  UefiBoot: text,
  Uefi: flag,
  BuildDir: text,
  CloudConfig: anyMap,
  TargetConfig: textMap,
  Debugflags: texts,
  Dirs: texts,
  Env: textMap,
  Files: texts,
  Force: flag,
  home: text,
  Kernel: text,
  KlibDir: text,
  Klibs: texts,
  MapDirs: textMap,
  Mounts: textMap,
  NameServers: texts,
  NanosVersion: text,
  NightlyBuild: flag,
  NoTrace: texts,
  ManifestPassthrough: anyMap,
  Program: text,
  ProgramPath: text,
  RebootOnExit: flag,
  RunConfig: runSchema.optional(),
  LocalFilesParentDirectory: text,
  TargetRoot: text,
  TFSv4: flag,
  Version: text,
  Language: text,
  Description: text,
  VolumesDir: text,
  PackageBaseURL: text,
  PackageManifestURL: text,
});
export type OpsConfig = z.output<typeof opsConfigSchema>;

const ofReleases = 'releases and local builds are chosen by `firstlight kernel use`';
const ofClouds = 'images are not put on clouds from here';
const ofOps = 'it steers the command ops itself';
const ofWords = 'it describes the program and changes nothing';
const ofPackages = 'packages are taken from files, not from a site';

/** Keys that are taken without effect, each with the reason. Shape: `RunConfig.` before those of that section. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  DisableArgsCopy: 'files that arguments name are never copied by themselves; list them in `files`',
  BaseVolumeSz: 'an image is as large as what is in it',
  Boot: ofReleases,
  UefiBoot: 'machines here start by a BIOS',
  BuildDir: ofOps,
  CloudConfig: ofClouds,
  TargetConfig: ofClouds,
  Force: ofOps,
  home: ofOps,
  Kernel: ofReleases,
  KlibDir: ofReleases,
  NightlyBuild: ofReleases,
  ProgramPath: ofOps,
  Version: ofWords,
  Language: ofWords,
  Description: ofWords,
  VolumesDir: 'volumes lie in a folder of Firstlight’s',
  PackageBaseURL: ofPackages,
  PackageManifestURL: ofPackages,
  'RunConfig.Accel': 'KVM is used where it is found to work',
  'RunConfig.AtExit': 'no program of this machine is started for a guest',
  'RunConfig.BridgeIPAddress': 'bridges are set up outside',
  'RunConfig.CanIPForward': ofClouds,
  'RunConfig.GPUType': 'machines here have no GPU',
  'RunConfig.Debug': 'see `debug` and `options` of the runtime’s section',
  'RunConfig.GdbPort': 'see `options` of the runtime’s section',
  'RunConfig.ImageName': 'images are named by what is in them',
  'RunConfig.InstanceGroup': ofClouds,
  'RunConfig.InstanceName': 'instances get names of their own',
  'RunConfig.IPv6Address': 'fixed addresses are IPv4',
  'RunConfig.Kernel': ofReleases,
  'RunConfig.Mgmt': ofOps,
  'RunConfig.Vga': 'machines here have a serial console and no screen',
  'RunConfig.Mounts': 'volumes are named in `Mounts`, outside `RunConfig`',
  'RunConfig.AttachVolumeOnInstanceCreate': ofClouds,
  'RunConfig.Background': 'see `firstlight run --keep`',
  'RunConfig.BackgroundDetach': 'see `firstlight run --keep`',
  'RunConfig.QMP': ofOps,
  'RunConfig.ShowDebug': ofOps,
  'RunConfig.ShowErrors': ofOps,
  'RunConfig.ShowWarnings': ofOps,
  'RunConfig.JSON': ofOps,
  'RunConfig.TapName': 'libvirt makes the network devices that it needs',
  'RunConfig.Verbose': ofOps,
  'RunConfig.VolumeSizeInGb': ofClouds,
  'RunConfig.ThreadsPerCore': ofClouds,
};

/** Keys that ask for something an image from here cannot be: with one of them set, nothing is imported. */
export const refusedKeys: Readonly<Record<string, string>> = {
  Uefi: 'images start by a BIOS; there is no way to make one for UEFI',
  TFSv4: 'images are written in the newest form of the file system only',
  'RunConfig.GPUs': 'machines here have no GPU',
};
