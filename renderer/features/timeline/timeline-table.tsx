import { useState } from 'react';
import type { PhaseName } from '#shared/model/timeline.ts';
import { formatNs, formatNsDelta, formatPercent } from '../../ui/instrument-format.ts';
import { durationOf, phaseAt, type TimelineModel } from './timeline-model.ts';
import { changeOf, shareOf } from './timeline-text.ts';

/** A page of rows that a browser lays out within a frame or two. */
const pageRows = 200;

/** The whole timeline as tables: phases, work done ahead, and every mark. */
export function TimelineTable(props: {
  readonly model: TimelineModel;
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
}) {
  const { model } = props;
  return (
    <section className="tl-tables" aria-label="Timeline as tables">
      <PhaseTable {...props} />
      <MarkTable key={model.timeline?.totalNs ?? 0} model={model} />
    </section>
  );
}

function PhaseTable(props: {
  readonly model: TimelineModel;
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
}) {
  const { model, selectedPhase, onSelectPhase } = props;
  const compared = model.ghost.length > 0;
  return (
    <table className="tl-table">
      <caption>Phases</caption>
      <thead>
        <tr>
          <th scope="col">phase</th>
          <th scope="col">start</th>
          <th scope="col">length</th>
          <th scope="col">share</th>
          <th scope="col">error</th>
          {compared && <th scope="col">previous</th>}
          {compared && <th scope="col">change</th>}
        </tr>
      </thead>
      <tbody>
        {model.ahead
          .filter((segment) => segment.endNs > segment.startNs)
          .map((segment) => (
            <tr key={`ahead-${segment.name}`}>
              <th scope="row">{segment.name}, ahead of the click</th>
              <td>{formatNs(segment.startNs)}</td>
              <td>{formatNs(segment.endNs - segment.startNs)}</td>
              <td>–</td>
              <td>± {formatNs(segment.errorNs)}</td>
              {compared && <td>–</td>}
              {compared && <td>–</td>}
            </tr>
          ))}
        {model.segments.map((segment) => (
          <tr key={segment.name} aria-selected={selectedPhase === segment.name}>
            <th scope="row">
              <button type="button" onClick={() => onSelectPhase(selectedPhase === segment.name ? null : segment.name)}>
                <span className="tl-swatch" data-phase={segment.name} />
                {segment.name}
              </button>
            </th>
            <td>{formatNs(segment.startNs)}</td>
            <td>{formatNs(segment.endNs - segment.startNs)}</td>
            <td>{formatPercent(shareOf(model, segment))}</td>
            <td>± {formatNs(segment.errorNs)}</td>
            {compared && <td>{formatNs(durationOf(model.ghost, segment.name))}</td>}
            {compared && <td>{changeText(changeOf(model, segment))}</td>}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{model.timeline?.complete === false ? 'ended without a response' : 'total'}</th>
          <td />
          <td>{formatNs(model.timeline?.totalNs ?? 0)}</td>
          <td colSpan={compared ? 4 : 2} />
        </tr>
      </tfoot>
    </table>
  );
}

const changeText = (change: number | null) => (change === null ? '–' : formatNsDelta(change));

function MarkTable({ model }: { readonly model: TimelineModel }) {
  const [rows, setRows] = useState(pageRows);
  const more = model.marks.length - rows;
  return (
    <div>
      <table className="tl-table">
        <caption>Marks</caption>
        <thead>
          <tr>
            <th scope="col">mark</th>
            <th scope="col">at</th>
            <th scope="col">since the one before</th>
            <th scope="col">error</th>
            <th scope="col">phase</th>
            <th scope="col">seen by</th>
            <th scope="col">clock</th>
          </tr>
        </thead>
        <tbody>
          {model.marks.slice(0, rows).map((mark, index) => (
            <tr key={mark.key}>
              <th scope="row">{mark.label}</th>
              <td>{formatNs(mark.atNs)}</td>
              <td>{index === 0 ? '–' : formatNsDelta(mark.atNs - (model.markAtNs[index - 1] ?? 0))}</td>
              <td>± {formatNs(mark.errorNs)}</td>
              <td>{phaseAt(model.segments, mark.atNs)?.name ?? (mark.atNs < 0 ? 'ahead' : '–')}</td>
              <td>{mark.source}</td>
              <td>{mark.clock}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <button type="button" className="tl-more" onClick={() => setRows(rows + pageRows)}>
          Show {Math.min(pageRows, more)} more of {more.toLocaleString('en-US')} left
        </button>
      )}
    </div>
  );
}
