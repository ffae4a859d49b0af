/** The machine that an instance of a runtime needs. */
import type { FileTree } from '@firstlight/files';
import type { Machine } from '#core/vmm/machine.ts';
import type { ProbedImage, ProbeGuest } from '#core/vmm/probe-guest.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import type { Progress } from '#shared/contract/define.ts';
import type { Image } from '#shared/model/image.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { InstanceId } from '#shared/model/units.ts';
import type { Bundle } from './bundle.ts';
import type { BuildContext } from './images.ts';

/** The kinds of resource that only one instance at a time can use. Volumes must also be unmounted cleanly. */
export const exclusiveResources = ['none', 'ports', 'volumes'] as const;
export type ExclusiveResource = (typeof exclusiveResources)[number];

export interface MachineRequest {
  readonly instanceId: InstanceId;
  readonly image: Image;
  readonly config: ProjectConfig;
  readonly accel: Accel;
  /** The folder of its project; null where no project is at hand, as in a pod. */
  readonly projectDir: string | null;
  /** True when a person trusts that project. Another one gets nothing outside its folder. Default: false. */
  readonly isTrusted?: boolean | undefined;
  /** The VMM that starts it; null when the machine is not known yet, as in a pod. */
  readonly vmm: Vmm | null;
  /** The instance's own directory, removed with it. Created on first request. Errors: STORE_UNUSABLE. */
  readonly makeDiskDir: () => Promise<string>;
}

/** The configuration that is about to be started on a host. */
export interface HostRequest {
  readonly config: ProjectConfig;
  readonly accel: Accel;
  /** The VMM of that host. */
  readonly vmm: Vmm;
  readonly progress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A machine, with the information for a session with it; a later program reads that from the machine's metadata. */
export interface PreparedMachine {
  readonly machine: Machine;
  readonly sessionInfo: string | null;
  /** The ELF file with the names of the guest's kernel, for a debugger. Null where there is none. */
  readonly symbolsPath?: string | null | undefined;
}

/** The port of a pod's loopback interface that leads to a guest which serves HTTP. */
export const podForwardPort = 9080;

/** The machine of a guest in a pod. Its disks are apart: they lie in the image, and what the guest writes goes away. */
export interface PodMachine {
  readonly machine: Machine;
  /**
   * How a request reaches the guest. `frames`: by the frames of guest/PROTOCOL.md on the channel that carries
   * invocations; `http`: by `podForwardPort`. `saysReady`: it reports on its console when it listens; else it is asked.
   */
  readonly requests: { readonly kind: 'frames' } | { readonly kind: 'http'; readonly saysReady: boolean };
  /** True when the guest takes variables at its start. */
  readonly takesVariables: boolean;
  /** The image of its only disk: a qcow2 file on a base that many images share. Null: it has none. */
  readonly diskPath: string | null;
}

/** The machine of a guest on a libvirt host, which stays there. */
export interface HostMachine {
  /** Without disks and networks: where these are is the host's matter. */
  readonly machine: Machine;
  /** As that of a pod; each instance writes to a file of its own on top of it. */
  readonly disk: { readonly path: string; readonly bytes: number } | null;
  /** Null: a guest without a network. */
  readonly network: {
    readonly guestIp: string;
    /** The guest's port that serves HTTP; null: it only opens connections. */
    readonly port: number | null;
    /** False: it opens no connections. */
    readonly isOpen: boolean;
  } | null;
}

/** Where a guest that nobody speaks to serves. Shape: dotted IPv4 addresses; 0.0.0.0: it is told at its start. */
export interface AloneNetwork {
  readonly address: string;
  readonly netmask: string;
  readonly gateway: string;
}

/**
 * Where a deployed guest runs: in a pod that carries its own VMM, on a libvirt host, or `alone`, in a virtual machine whose
 * host does not know Firstlight.
 */
export type DeployPlace = 'pod' | 'host' | 'alone';

/** A guest that serves HTTP in a virtual machine whose host does not know Firstlight. */
export interface AloneGuest {
  /** The file that the VMM loads as its kernel. */
  readonly kernel: Uint8Array;
  readonly cmdline: string;
  readonly port: number;
}

/** A function as an ordinary container, without its kernel. */
export interface ContainerParts {
  /** Files that many functions share, and those of this one. */
  readonly base: FileTree;
  readonly own: FileTree;
  readonly command: readonly string[];
  /** The arguments unless its container is given others. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
}

/** The machines of a runtime. */
export interface RuntimeMachines {
  /**
   * A guest with this runtime's own kernel. Where it runs under KVM, so do the runtime's guests. `image` is the one
   * that is about to be started, for runtimes whose images have their own kernels; null when no image is known yet.
   *
   * Errors: RELEASE_MISSING when there is no kernel to probe with.
   */
  readonly probeGuest: (image: ProbedImage | null) => Promise<ProbeGuest>;
  /** The exclusive resource that an instance of this configuration uses. */
  readonly exclusiveResourceOf: (config: ProjectConfig) => ExclusiveResource;
  /**
   * Probes a host for the machines of this runtime, once, before the first one is prepared there. A probe without a result
   * is not an error. Errors: RELEASE_MISSING.
   */
  readonly probeHost?: (request: HostRequest) => Promise<void>;
  /**
   * The machine for a pod that carries its own VMM, made of files of this host. Absent: the runtime does not support such
   * a pod. Errors: MACHINE_UNSUPPORTED for a configuration that no pod carries.
   */
  readonly prepareForPod?: (request: Pick<MachineRequest, 'image' | 'config'>) => Promise<PodMachine>;
  /**
   * The machine for a libvirt host, made of files of this one. Absent: what runs on this runtime cannot be deployed there.
   *
   * Errors: MACHINE_UNSUPPORTED for a configuration that no such host carries.
   */
  readonly prepareForHost?: (request: Pick<MachineRequest, 'image' | 'config'>) => Promise<HostMachine>;
  /**
   * A guest for a virtual machine whose host does not know Firstlight, as on KubeVirt or by urunc. Absent: the runtime has none.
   *
   * Errors: MACHINE_UNSUPPORTED for a function that serves no port; IMAGE_INVALID.
   */
  readonly prepareAlone?: (
    request: Pick<MachineRequest, 'image' | 'config'> & { readonly network: AloneNetwork },
  ) => Promise<AloneGuest>;
  /**
   * Writes the whole disk that such a guest boots from, which asks for its address by DHCP, into a new raw file. Absent: its
   * guests boot from a kernel.
   *
   * Shape: `port` is where it serves; `bytes` is the disk's length. Errors: MACHINE_UNSUPPORTED for a configuration that cannot run so; as `buildImage`.
   */
  readonly writeAloneDisk?: (
    bundle: Bundle,
    path: string,
    context: BuildContext,
  ) => Promise<{ readonly port: number; readonly bytes: number }>;
  /**
   * The options of a configuration that have no effect, or less, where it is deployed. Shape: sentences that say what fails
   * and what to do. Absent: all of them work, or are refused.
   */
  readonly describeLacks?: (config: ProjectConfig, place: DeployPlace) => readonly string[];
  /**
   * True for a configuration whose machines may go on from one that was saved after its boot, several at a time: they
   * keep no file, no address and no connection of it, and each request brings its guest a new seed and the time.
   */
  readonly canBeRestored?: (config: ProjectConfig) => boolean;
  /**
   * The files and the command of a function for an ordinary container. Absent: what runs on this runtime needs its kernel.
   */
  readonly prepareContainer?: (bundle: Bundle, context: BuildContext) => Promise<ContainerParts>;
  /** The machine for one instance, with all that it needs on disk. Errors: PORT_IN_USE, STORE_UNUSABLE, DISK_FULL. */
  readonly prepareMachine: (request: MachineRequest) => Promise<PreparedMachine>;
}
