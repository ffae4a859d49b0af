import type { Ask } from '#shared/model/ask.ts';
import type { Project } from '#shared/model/project.ts';
import type { SessionState } from './session.ts';

/** One request of a project. Shape: `file` and `line` are its place in the code, which only a build finds. */
export interface KnownAsk {
  readonly kind: Ask['kind'];
  readonly message: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

/** Lists a project's requests beyond its own folder: those in its configuration, and those its last build found. */
export function knownAsks({ builds }: Pick<SessionState, 'builds'>, project: Project): readonly KnownAsk[] {
  const error = builds[project.id]?.error;
  const found = error?.code === 'PROJECT_NOT_TRUSTED' ? (error.details.problems ?? []) : [];
  const named = new Set(project.asks.map(({ message }) => message));
  return [
    ...project.asks,
    ...found
      .filter(({ message }) => !named.has(message))
      .map(({ message, file, line }) => ({ kind: 'code' as const, message, file, line })),
  ];
}
