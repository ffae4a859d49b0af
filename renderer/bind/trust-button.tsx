import { Button } from '../ui/button.tsx';
import { useProject, useStudio } from './studio.tsx';

/** Leads to what the project asks for, where a person trusts it or not. */
export function TrustButton() {
  const studio = useStudio();
  const project = useProject();
  if (project === null) return null;
  return (
    <Button icon="lock" onClick={() => studio.transient.setState({ dialog: { kind: 'trust', projectId: project.id } })}>
      See what it asks for
    </Button>
  );
}
