import { describe, expect, it } from 'vitest';
import { nanosConfigSchema } from './options.ts';
import { rootTuple } from './root-tuple.ts';

const root = (nanos: Record<string, unknown> = {}, rest = {}) =>
  Object.fromEntries(
    rootTuple({
      program: '/bin/server',
      args: ['/bin/server', '-v'],
      env: { B: '2', A: '1' },
      cwd: null,
      volumes: {},
      config: nanosConfigSchema.parse(nanos),
      hasKlibs: false,
      ...rest,
    }),
  );

describe('the root tuple', () => {
  it('names the program, its arguments and its environment, in a fixed order', () => {
    const { program, arguments: args, environment } = root();
    expect([program, args]).toEqual(['/bin/server', ['/bin/server', '-v']]);
    expect([...(environment as Map<string, string>)]).toEqual([
      ['A', '1'],
      ['B', '2'],
    ]);
  });

  it('has a fixed address in user mode, and none of ours elsewhere', () => {
    expect(root()).toMatchObject({ ipaddr: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2' });
    expect(root({ network: { kind: 'network', name: 'default' } })).not.toHaveProperty('ipaddr');
    expect(root({ address: { ip: '192.168.7.5', mtu: 1400 } })).toMatchObject({ ipaddr: '192.168.7.5', mtu: '1400' });
  });

  it('writes every option as the kernel reads it', () => {
    const values = root({
      options: {
        cwd: '/srv',
        noaslr: true,
        fault: false,
        mmap_min_addr: 65536,
        trace: ['pf', 'threadrun'],
        expected_exit_code: [3, 4],
        reboot_on_exit: '!0',
        consoles: ['-vga'],
        uname: { sysname: 'Linux' },
        tracelog: { file: '/trace', disable: true, trace_tags: ['tfs'] },
        notrace: ['read'],
      },
    });
    expect(values).toMatchObject({
      cwd: '/srv',
      noaslr: 't',
      mmap_min_addr: '65536',
      trace: 'pf,threadrun',
      expected_exit_code: ['3', '4'],
      reboot_on_exit: '!0',
      consoles: ['-vga'],
      notrace: ['read'],
    });
    expect(values).not.toHaveProperty('fault');
    expect(root({ options: { transparent_hugepage: 'never', log_level: 'err' } })).toMatchObject({
      transparent_hugepage: 'never',
      log_level: 'err',
    });
    // The kernel has no word for its default.
    expect(root({ options: { transparent_hugepage: 'always' } })).not.toHaveProperty('transparent_hugepage');
    expect(values.uname).toEqual(new Map([['sysname', 'Linux']]));
    expect(values.tracelog).toEqual(
      new Map<string, unknown>([
        ['disable', 't'],
        ['file', '/trace'],
        ['trace_tags', new Map([['tfs', 't']])],
      ]),
    );
  });

  it('has one switch for each of the diagnostics', () => {
    const values = root({ debug: { trace: true, strace: true, missingFiles: true } });
    expect(values).toMatchObject({ trace: 'all', debugsyscalls: 't', missing_files: 't' });
    expect(root({ debug: { trace: true }, options: { trace: ['pf'] } })).toMatchObject({ trace: 'pf' });
  });

  it('mounts volumes by their labels, and says where klibs are', () => {
    const values = root({}, { volumes: { data: { mount: '/data' }, logs: { mount: '/var/log' } }, hasKlibs: true });
    expect(values.mounts).toEqual(
      new Map([
        ['data', '/data'],
        ['logs', '/var/log'],
      ]),
    );
    expect(values.klibs).toBe('rootfs');
  });
});
