// How the desktop packages are made: see build/dist.mjs. Everything of ours is already bundled into dist/.
import { shippedPatterns } from './shipped.mjs';

/** @type {import('electron-builder').Configuration} */
export default {
  appId: 'dev.firstlight.studio',
  productName: 'Firstlight',
  executableName: 'firstlight-studio',
  directories: { output: 'dist/packages', buildResources: 'assets/icons' },
  files: shippedPatterns,
  // QEMU loads the guest kernel, a worker thread its script, and esbuild its binary by plain paths: none can look into an archive.
  asar: false,
  // The binary is Firstlight and nothing else: not a Node.js, not by NODE_OPTIONS, not under a debugger. Those of the archive stay
  // off, because there is none.
  electronFuses: {
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    grantFileProtocolExtraPrivileges: false,
  },
  // esbuild's binary comes with its package; nothing is compiled for Electron's ABI.
  npmRebuild: false,
  // A deb must name a home page and a mail address; the project has no public ones yet, and `.example` can never be anybody's.
  extraMetadata: { homepage: 'https://firstlight.example' },
  linux: {
    target: ['AppImage', 'deb'],
    category: 'Development',
    icon: 'assets/icons/firstlight.png',
    synopsis: 'A desktop studio for unikernel functions',
    maintainer: 'Firstlight maintainers <maintainers@firstlight.example>',
  },
  deb: {
    // Electron's own needs come first: naming any replaces electron-builder's list. The guest kernel is compiled already: no gcc, no wabt.
    depends: [
      'libgtk-3-0',
      'libnotify4',
      'libnss3',
      'libxss1',
      'libxtst6',
      'xdg-utils',
      'libatspi2.0-0',
      'libuuid1',
      'libsecret-1-0',
      'qemu-system-x86',
      'libvirt-daemon-system',
      'libvirt-daemon-driver-qemu',
    ],
  },
};
