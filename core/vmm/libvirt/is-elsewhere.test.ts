import { expect, it } from 'vitest';
import { isElsewhere } from './is-elsewhere.ts';

it.each([
  ['qemu:///system', false],
  ['qemu:///session', false],
  ['qemu+unix:///system?socket=/run/libvirt/libvirt-sock', false],
  ['qemu+unix:///system?socket=/var/run/libvirt/virtqemud-sock', false],
  ['qemu+unix:///system?socket=/tmp/mine/libvirt-sock', true],
  ['qemu:///session?socket=/run/user/1000/other', true],
  ['qemu+ssh://me@lab/system', true],
  ['qemu+tls://lab/system', true],
  ['no address', false],
])('%s: elsewhere %s', (uri, expected) => {
  expect(isElsewhere(uri)).toBe(expected);
});
