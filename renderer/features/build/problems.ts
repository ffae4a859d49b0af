import type { Problem } from '#shared/errors.ts';
import type { SessionState } from '../../state/session.ts';

export interface FoundProblem extends Problem {
  /** The finder of the problem. */
  readonly source: 'build' | 'types' | 'configuration';
}

/** All known problems of a project, each once, errors first. */
export function collectProblems(state: SessionState, projectId: string): readonly FoundProblem[] {
  const project = state.projects.value?.find((entry) => entry.id === projectId);
  const build = state.builds[projectId];
  const built = build?.error ? (build.error.details.problems ?? []) : (build?.result?.warnings ?? []);
  const typed = Object.entries(state.editorProblems).filter(([key]) => key.startsWith(`${projectId}:`));
  const all: FoundProblem[] = [
    ...built.map((problem) => ({ ...problem, source: 'build' as const })),
    ...(project?.problems ?? []).map((problem) => ({ ...problem, source: 'configuration' as const })),
    ...typed.flatMap(([, problems]) => problems.map((problem) => ({ ...problem, source: 'types' as const }))),
  ];
  const seen = new Set<string>();
  return all
    .filter((problem) => {
      const key = `${problem.file}:${problem.line}:${problem.message}`;
      return !seen.has(key) && seen.add(key) !== undefined;
    })
    .sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
}
