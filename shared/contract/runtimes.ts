import { z } from 'zod';
import { runtimeInfoSchema } from '../model/project.ts';
import { call } from './define.ts';

export const runtimeCalls = {
  /** The runtimes that functions can be built for, the default one first. */
  'runtimes:list': call(z.strictObject({}), z.array(runtimeInfoSchema)),
};
