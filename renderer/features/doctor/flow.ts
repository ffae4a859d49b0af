import { toFirstlightError } from '#shared/errors.ts';
import { report, type StudioContext } from '../../state/context.ts';
import { failed, loading, ready } from '../../state/loadable.ts';

export interface DoctorActions {
  readonly run: (fresh?: boolean) => Promise<void>;
  readonly fix: (checkId: string) => Promise<void>;
}

export function createDoctorActions(context: StudioContext): DoctorActions {
  const { client, session } = context;
  return {
    run: async (fresh = false) => {
      session.setState((state) => ({ doctor: loading(state.doctor) }));
      try {
        session.setState({ doctor: ready(await client.call('doctor:run', { fresh })) });
      } catch (thrown) {
        session.setState((state) => ({ doctor: failed(state.doctor, toFirstlightError(thrown)) }));
      }
    },
    fix: async (checkId) => {
      session.setState((state) => ({ doctor: loading(state.doctor) }));
      try {
        session.setState({ doctor: ready(await client.call('doctor:fix', { checkId })) });
      } catch (thrown) {
        const error = report(context, thrown);
        session.setState((state) => ({ doctor: failed(state.doctor, error) }));
      }
    },
  };
}
