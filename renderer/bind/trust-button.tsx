import { Button } from '../ui/button.tsx';
import { useProject, useStudio } from './studio.tsx';

/** Opens the project's requests, where a person decides whether to trust it. */
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
