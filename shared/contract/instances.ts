import { z } from 'zod';
import { hostNameSchema } from '../model/host.ts';
import { instanceSchema } from '../model/instance.ts';
import { jsonSchema } from '../model/json.ts';
import { metricSampleSchema } from '../model/metrics.ts';
import { argsSchema } from '../model/program.ts';
import { envNamePattern } from '../model/project.ts';
import { invocationSchema, runSchema } from '../model/run.ts';
import { startModeSchema } from '../model/timeline.ts';
import { instanceIdSchema, projectIdSchema, runIdSchema } from '../model/units.ts';
import { call, stream } from './define.ts';

const byInstance = z.strictObject({ instanceId: instanceIdSchema });

/** The default event of a run. */
export const defaultEvent = { method: 'GET', path: '/', query: {}, headers: {}, body: null } as const;

export const instanceCalls = {
  'instances:list': call(z.strictObject({}), z.array(instanceSchema)),
  /**
   * Builds if needed, boots, invokes once, and answers with the run: also when the function failed, with its error
   * in `error`. A failure before the boot is thrown.
   */
  'instances:run': call(
    z.strictObject({
      projectId: projectIdSchema,
      event: jsonSchema.default(defaultEvent),
      /** Variables for `process.env`, over those of the project. No record has them. */
      env: z.record(z.string().regex(envNamePattern, 'an environment variable name'), z.string()).optional(),
      /** Arguments, in place of those of the project. No record has them. Errors: BAD_INPUT on a runtime without. */
      args: argsSchema.optional(),
      startMode: startModeSchema.default('cold'),
      /** Where it runs. Default: this machine's libvirt. */
      host: hostNameSchema.optional(),
      /** `stop`: ends after the answer. `session`: lives until stopped or the studio ends. `forever`: outlives the studio. */
      lifetime: z.enum(['stop', 'session', 'forever']).default('session'),
      /**
       * Its machine, emulated, stays stopped until the debugger of `Instance.gdbCommand` lets it run, and nothing waits for it
       * in vain. Errors: MACHINE_UNSUPPORTED where the VMM has no gdb stub.
       */
      gdb: z.boolean().optional(),
    }),
    runSchema,
  ),
  'instances:invoke': call(byInstance.extend({ event: jsonSchema.default(defaultEvent) }), invocationSchema),
  'instances:suspend': call(byInstance, z.null()),
  'instances:resume': call(byInstance, z.null()),
  /** Answers when it has ended; `instances:changed` reports at once that it is stopping. */
  'instances:stop': call(byInstance, z.null()),
  /** Stops it if it runs, and removes its record. */
  'instances:remove': call(byInstance, z.null()),
  /** The VMM's own description of its machine: the XML of a libvirt domain. Errors: NOT_FOUND, INSTANCE_LOST when it has ended. */
  'instances:describe': call(byInstance, z.object({ domainXml: z.string() })),
  /** The samples of the last minutes, oldest first. */
  'metrics:recent': call(byInstance, z.array(metricSampleSchema)),
};

export const instanceEvents = {
  'instances:changed': z.object({ instance: instanceSchema }),
  'instances:removed': z.object({ instanceId: instanceIdSchema }),
  'metrics:sampled': z.object({ samples: z.array(metricSampleSchema) }),
};

/**
 * A part of a console: all of it, the program's output, the output of the kernel's diagnostics (trace, strace, missing
 * files), or one of the program's two streams. Errors: BAD_INPUT for a stream of a runtime that cannot tell them apart.
 */
const consolePart = { part: z.enum(['all', 'program', 'trace', 'stdout', 'stderr']).default('all') };

export const instanceStreams = {
  /** The serial console: first the output so far (bounded), then live; the client's input goes to the guest. */
  'console:attach': stream(byInstance.extend(consolePart)),
  /** The recorded console of a run, once, then the end. */
  'console:replay': stream(z.strictObject({ runId: runIdSchema, ...consolePart })),
};
