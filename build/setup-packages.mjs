// The programs that Firstlight needs from the system, and their installation on Debian.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { log, logStep } from './log.mjs';
import { runTool } from './run-tool.mjs';
import { SetupError } from './script.mjs';

/** The folders of a distribution's libraries, below /usr/lib. */
const libraryDirs = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '../lib64', '.'].map((dir) => `/usr/lib/${dir}`);

/** The entry for a library that Electron's binary is linked to. */
const shellLibrary = (debianPackage, file) => ({
  package: debianPackage,
  for: 'testing the desktop program',
  files: libraryDirs.map((dir) => `${dir}/${file}`),
});

/** Where systemd runs. The packages of services are not installed there: they would start at once. */
export const systemdDir = '/run/systemd/system';

/** The entry for a part of the test cluster, none of which is installed where systemd runs. */
function clusterProgram(debianPackage, ...programs) {
  return { package: debianPackage, for: 'a test cluster', programs, files: [systemdDir] };
}

/**
 * Each need: the Debian package, its use, and the files that prove its presence. One of `programs` on the PATH, or one
 * of
 * `files`, is enough: a look at files is far quicker than a call of dpkg, and works on any distribution.
 */
const needs = {
  qemu: { package: 'qemu-system-x86', for: 'booting', programs: ['qemu-system-x86_64'] },
  libvirt: { package: 'libvirt-daemon', for: 'booting', programs: ['libvirtd', 'virtqemud'] },
  libvirtQemu: {
    package: 'libvirt-daemon-driver-qemu',
    for: 'booting',
    files: libraryDirs.map((dir) => `${dir}/libvirt/connection-driver/libvirt_driver_qemu.so`),
  },
  libvirtSystem: { package: 'libvirt-daemon-system', for: 'booting as root', files: ['/etc/libvirt/qemu.conf'] },
  gcc: { package: 'gcc', for: 'compiling the guest kernel', programs: ['gcc'] },
  binutils: { package: 'binutils', for: 'compiling the guest kernel', programs: ['ld'] },
  wabt: { package: 'wabt', for: 'compiling the guest kernel', programs: ['wasm2c'] },
  browser: { package: 'chromium', for: 'the app window', programs: ['chromium', 'chromium-browser', 'google-chrome'] },
  chromium: { package: 'chromium', for: 'the browser tests', programs: ['chromium'] },
  libc: { package: 'libc6-dev', for: 'compiling the guest kernel', files: ['/usr/include/stdlib.h'] },
  pythonLibvirt: {
    package: 'python3-libvirt',
    for: 'comparing with the C client',
    files: ['/usr/lib/python3/dist-packages/libvirt.py'],
  },
  virsh: { package: 'libvirt-clients', for: 'comparing with the C client', programs: ['virsh'] },
  // Where systemd runs, its package would start a registry for the whole network: its tests are then skipped instead.
  registry: {
    package: 'docker-registry',
    for: 'testing images from a registry',
    programs: ['docker-registry'],
    files: [systemdDir],
  },
  skopeo: { package: 'skopeo', for: 'testing images from a registry', programs: ['skopeo'] },
  umoci: { package: 'umoci', for: 'testing images from a registry', programs: ['umoci'] },
  // Likewise: its package would let the network log in.
  sshd: {
    package: 'openssh-server',
    for: 'testing hosts behind SSH',
    programs: ['sshd'],
    files: [systemdDir],
  },
  openssl: { package: 'openssl', for: 'testing hosts behind TLS', programs: ['openssl'] },
  slirp: { package: 'slirp4netns', for: 'testing networks in Firecracker', programs: ['slirp4netns'] },
  nft: { package: 'nftables', for: 'testing networks in Firecracker', programs: ['nft'] },
  ip: { package: 'iproute2', for: 'testing networks in Firecracker', programs: ['ip'] },
  xvfb: { package: 'xvfb', for: 'testing the desktop program', programs: ['Xvfb'] },
  gtk: shellLibrary('libgtk-3-0', 'libgtk-3.so.0'),
  nss: shellLibrary('libnss3', 'libnss3.so'),
  alsa: shellLibrary('libasound2', 'libasound.so.2'),
  gbm: shellLibrary('libgbm1', 'libgbm.so.1'),
  lintian: { package: 'lintian', for: 'checking the packages’ data', programs: ['lintian'] },
  desktopFileUtils: {
    package: 'desktop-file-utils',
    for: 'checking the packages’ data',
    programs: ['desktop-file-validate'],
  },
  qemuImg: { package: 'qemu-utils', for: 'checking qcow2 images', programs: ['qemu-img'] },
  // Likewise: their packages would start services that a person did not ask for.
  etcd: clusterProgram('etcd-server', 'etcd'),
  containerd: clusterProgram('containerd', 'containerd'),
  runc: clusterProgram('runc', 'runc'),
  conntrack: clusterProgram('conntrack', 'conntrack'),
  iptables: clusterProgram('iptables', 'iptables'),
  iproute: clusterProgram('iproute2', 'ip'),
  runsc: { package: 'runsc', for: 'testing gVisor in a test cluster', programs: ['runsc'] },
  cni: { ...clusterProgram('containernetworking-plugins'), files: ['/usr/lib/cni/bridge', systemdDir] },
};

/** The needs of each purpose: names in `needs`. */
export const purposes = {
  run: ['qemu', 'libvirt', 'libvirtQemu', 'gcc', 'binutils', 'wabt', 'libc'],
  test: [
    'qemu',
    'libvirt',
    'libvirtQemu',
    'gcc',
    'binutils',
    'wabt',
    'chromium',
    'libc',
    'pythonLibvirt',
    'virsh',
    'qemuImg',
    'registry',
    'skopeo',
    'umoci',
    'runsc',
    ...['sshd', 'openssl', 'slirp', 'nft', 'ip'],
    ...['xvfb', 'gtk', 'nss', 'alsa', 'gbm', 'lintian', 'desktopFileUtils'],
  ],
  window: ['browser'],
  cluster: ['etcd', 'containerd', 'runc', 'conntrack', 'iptables', 'iproute', 'cni', 'registry', 'openssl'],
};

/** The folders to search for programs: daemons are in sbin, which a person's PATH may lack. */
export function programDirs(pathVariable = process.env.PATH ?? '') {
  return [...new Set([...pathVariable.split(':').filter(Boolean), '/usr/sbin', '/sbin', '/usr/local/sbin'])];
}

/** Whether a need is a compiler: the guest's engine waits for the compilers, and it takes longest. */
export const isCompiler = (need) => need.for === needs.gcc.for;

/**
 * The missing needs of a purpose.
 *
 * Shape: one entry for each package.
 *
 * @param {keyof typeof purposes} purpose
 * @param {{ isRoot?: boolean, exists?: (path: string) => boolean, dirs?: string[] }} options
 * @returns {{ package: string, for: string, programs?: string[], files?: string[] }[]}
 */
export function findMissing(
  purpose,
  { isRoot = process.getuid?.() === 0, exists = existsSync, dirs = programDirs() } = {},
) {
  const names = [
    ...purposes[purpose],
    ...(isRoot && purpose !== 'window' && purpose !== 'cluster' ? ['libvirtSystem'] : []),
  ];
  const missing = names
    .map((name) => needs[name])
    .filter(({ programs = [], files = [] }) => {
      return (
        !programs.some((program) => dirs.some((dir) => exists(join(dir, program)))) &&
        !files.some((file) => exists(file))
      );
    });
  return missing.filter((need, index) => missing.findIndex((other) => other.package === need.package) === index);
}

/** The command that installs packages, as a person would type it. */
export function installCommand(packages, { isRoot }) {
  const sudo = isRoot ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends ${packages.join(' ')}`;
}

/** "qemu-system-x86_64 (booting), wasm2c (compiling the guest kernel)": for systems without known package names. */
export function describeMissing(missing) {
  return missing.map((need) => `${need.programs?.[0] ?? need.files?.[0]} (${need.for})`).join(', ');
}

/**
 * Installs missing packages, where root or a password-less sudo allows it.
 *
 * Errors: throws a SetupError with the exact command otherwise, or when apt-get fails.
 */
export async function installPackages(missing) {
  const isRoot = process.getuid?.() === 0;
  const packages = missing.map((need) => need.package);
  if (!existsSync('/usr/bin/apt-get')) {
    throw new SetupError(
      `These programs are missing: ${describeMissing(missing)}.`,
      'This system has no apt-get: install them with its own package manager, then run the command again.',
    );
  }
  const command = installCommand(packages, { isRoot });
  if (!isRoot && !sudoWorks()) {
    const purpose = `for ${listUses(missing)}`;
    throw new SetupError(`Debian packages are missing: ${packages.join(' ')} (${purpose}).`, `Run: ${command}`);
  }
  await logStep(`Debian packages (${packages.join(' ')})`, () => aptInstall(packages, isRoot, command));
}

async function aptInstall(packages, isRoot, command) {
  // Another apt (an unattended upgrade) may keep the lock for a while: wait for it rather than fail.
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=2'];
  const apt = (name, args) => {
    const words = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...options, ...args];
    const [program, ...rest] = isRoot ? words : ['sudo', '-n', ...words];
    const hint = `Is the machine online, and are its package sources right? By hand: ${command}`;
    return runTool(program, rest, { name, hint });
  };
  await apt('apt-update', ['update', '-q']);
  await apt('apt-install', ['install', '-q', '-y', '--no-install-recommends', ...packages]);
}

function sudoWorks() {
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

const listUses = (missing) => [...new Set(missing.map((need) => need.for))].join(', ');

/** Reports the unavailable parts and those that still work. */
export function logLimitations(missing) {
  log(
    `set-up: going on without them: ${listUses(missing)} will not work; everything else does (try \`npm start -- doctor\`).`,
  );
}
