import { kubernetesTargetSchema, runtimeClassOf, runtimeClassPrefix, usesKubevirt } from '#shared/model/deploy.ts';
import type { WorkloadKind } from '#shared/model/deploy-section.ts';
import field from '../../ui/field.module.css';
import { Segments } from '../../ui/segments.tsx';
import { TextField } from '../../ui/text-field.tsx';
import styles from './target-dialog.module.css';

/** How functions run on a cluster. Shape: `engine` as in a target. */
export interface EngineChoice {
  readonly engine: string;
  readonly workload: WorkloadKind;
}

const engines = [
  { id: 'pod', label: 'Pod', tip: 'In a pod that brings its own virtual machine: on any cluster' },
  { id: 'kubevirt', label: 'KubeVirt', tip: 'As virtual machines of KubeVirt' },
  {
    id: 'runtimeclass',
    label: 'RuntimeClass',
    tip: 'As ordinary containers, by gVisor or Kata for example, or as unikernels by urunc',
  },
] as const;
const workloads = [
  { id: 'deployment', label: 'Deployment', tip: 'A fixed number of replicas, or bounds for an autoscaler' },
  { id: 'knative', label: 'Knative Service', tip: 'Scaled to zero and back by requests' },
] as const;

const isEngine = (engine: string) => kubernetesTargetSchema.shape.engine.safeParse(engine).success;

/** False while the RuntimeClass has no name that Kubernetes would take. */
export const isEngineValid = ({ engine }: EngineChoice): boolean => isEngine(engine);

/** The engine of a target, and the kind of object that runs its functions. */
export function EngineFields({
  choice,
  onChange,
}: {
  readonly choice: EngineChoice;
  readonly onChange: (choice: EngineChoice) => void;
}) {
  const { engine, workload } = choice;
  const runtimeClass = runtimeClassOf({ engine });
  const isVm = usesKubevirt({ engine });
  const active = runtimeClass === null ? (isVm ? 'kubevirt' : 'pod') : 'runtimeclass';
  const choose = (id: (typeof engines)[number]['id']) => {
    if (id === 'runtimeclass') onChange({ engine: `${runtimeClassPrefix}${runtimeClass ?? ''}`, workload });
    else onChange({ engine: id, workload: id === 'kubevirt' ? 'deployment' : workload });
  };
  return (
    <>
      <div className={styles.kinds}>
        <Segments label="Engine" items={engines} active={active} onSelect={choose} />
      </div>
      {runtimeClass !== null && (
        <TextField
          label="RuntimeClass"
          note="As kubectl get runtimeclass lists it."
          placeholder="gvisor"
          value={runtimeClass}
          wrong={runtimeClass !== '' && !isEngine(engine)}
          onChange={(name) => onChange({ engine: `${runtimeClassPrefix}${name.trim()}`, workload })}
        />
      )}
      {isVm ? (
        <p className={field.note}>A set of virtual machines for each revision. Knative runs pods only.</p>
      ) : (
        <div className={styles.kinds}>
          <Segments
            label="Workload"
            items={workloads}
            active={workload}
            onSelect={(id) => onChange({ engine, workload: id })}
          />
        </div>
      )}
    </>
  );
}
