// The configuration of the desktop packages: see build/dist.mjs. All of our code is already bundled into dist/.
import { shippedPatterns } from './shipped.mjs';

/** @type {import('electron-builder').Configuration} */
export default {
  appId: 'dev.firstlight.studio',
  productName: 'Firstlight',
  executableName: 'firstlight-studio',
  directories: { output: 'dist/packages', buildResources: 'assets/icons' },
  files: shippedPatterns,
  // QEMU loads the guest kernel, a worker thread its script, and esbuild its binary by plain paths: none can read an
  // archive.
  asar: false,
  // The binary is Firstlight and nothing else: not a Node.js, not by NODE_OPTIONS, not under a debugger. The archive's
  // fuses stay off, because there is no archive.
  electronFuses: {
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    grantFileProtocolExtraPrivileges: false,
  },
  // esbuild's binary comes with its package; nothing is compiled for Electron's ABI.
  npmRebuild: false,
  // A deb must name a home page and a mail address; the project has no public ones yet, and no one can own an
  // `.example` name.
  extraMetadata: { homepage: 'https://firstlight.example' },
  linux: {
    target: ['AppImage', 'deb'],
    category: 'Development',
    icon: 'assets/icons/firstlight.png',
    synopsis: 'A desktop studio for unikernel functions',
    maintainer: 'Firstlight maintainers <maintainers@firstlight.example>',
  },
  deb: {
    // Electron's own needs come first: this list replaces electron-builder's. The guest kernel is compiled: no gcc, no
    // wabt.
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
