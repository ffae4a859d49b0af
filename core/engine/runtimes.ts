import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { ember } from '#core/runtimes/ember/definition.ts';
import { kernel } from '#core/runtimes/kernel/definition.ts';
import { defineNanos } from '#core/runtimes/nanos/definition.ts';

/** The runtimes of Firstlight. A project that names none runs on the first. */
export const runtimes: readonly RuntimeDefinition[] = [ember, defineNanos(), kernel];
