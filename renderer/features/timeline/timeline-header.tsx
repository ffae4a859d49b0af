import type { PhaseName } from '#shared/model/timeline.ts';
import { formatNsChange } from '../../ui/instrument-format.ts';
import { changeError, lengthText, shareText, totalText } from './figures.ts';
import type { TimelineModel } from './timeline-model.ts';
import { changeOf } from './timeline-text.ts';

/** The total, how the run was started, and a legend with every phase's length. */
export function TimelineHeader(props: {
  readonly model: TimelineModel;
  readonly change: string | null;
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
  readonly onZoomToPhase: (phase: PhaseName) => void;
}) {
  const { model, change: words, selectedPhase, onSelectPhase, onZoomToPhase } = props;
  return (
    <>
      <h2 className="tl-title">Cold start</h2>
      <Total model={model} change={words} />
      <ul className="tl-legend" aria-label="Phases">
        {model.segments.map((segment) => {
          const duration = segment.endNs - segment.startNs;
          const change = changeOf(model, segment);
          const compared =
            change === null ? '' : `, ${formatNsChange(change, changeError(model, segment))} than in the previous run`;
          return (
            <li key={segment.name}>
              <button
                type="button"
                className="tl-phase"
                data-phase={segment.name}
                data-empty={duration === 0}
                aria-pressed={selectedPhase === segment.name}
                title={`${segment.name}: ${lengthText(segment)}, ${shareText(model, segment)} of the total${compared}. Double click zooms to it.`}
                onClick={() => onSelectPhase(selectedPhase === segment.name ? null : segment.name)}
                onDoubleClick={() => onZoomToPhase(segment.name)}
              >
                <span className="tl-swatch" data-phase={segment.name} />
                <span className="tl-name">{segment.name}</span>
                <b>{lengthText(segment)}</b>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Total({ model, change }: { readonly model: TimelineModel; readonly change: string | null }) {
  const { timeline, previous } = model;
  if (timeline === null)
    return <span className="tl-note">{previous === null ? 'no run yet' : 'waiting for the run'}</span>;
  return (
    <>
      <strong className="tl-total" data-complete={timeline.complete} data-testid="timeline-total">
        {totalText(timeline)}
      </strong>
      {change !== null && (
        <span className="tl-note tl-change" title="Than the previous run, which is drawn beneath this one">
          {change}
        </span>
      )}
      {!timeline.complete && <span className="tl-badge tl-badge-failed">no response</span>}
      <span
        className="tl-badge"
        title={
          timeline.startMode === 'prestarted'
            ? 'The virtual machine was created paused before the click; the guest itself started cold.'
            : 'The virtual machine was created after the click.'
        }
      >
        {timeline.startMode}
      </span>
      {timeline.accel === 'tcg' && (
        <span
          className="tl-badge tl-badge-emulated"
          title="Software emulation (tcg): on KVM the guest’s phases are shorter."
        >
          emulated
        </span>
      )}
    </>
  );
}
