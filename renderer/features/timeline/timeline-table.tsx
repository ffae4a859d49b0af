import { useState } from 'react';
import type { PhaseName } from '#shared/model/timeline.ts';
import { formatNs, formatNsDelta, formatNsError } from '../../ui/instrument-format.ts';
import { changeError, lengthText, previousText, shareText, totalText } from './figures.ts';
import { phaseAt, type Segment, type TimelineModel } from './timeline-model.ts';
import { changeOf } from './timeline-text.ts';

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
              <td>{formatNs(segment.startNs, segment.errorNs)}</td>
              <td>{lengthText(segment)}</td>
              <td>–</td>
              <td>{formatNsError(segment.errorNs)}</td>
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
            <td>{formatNs(segment.startNs, segment.errorNs)}</td>
            <td>{lengthText(segment)}</td>
            <td>{shareText(model, segment)}</td>
            <td>{formatNsError(segment.errorNs)}</td>
            {compared && <td>{previousText(model, segment.name)}</td>}
            {compared && <td>{changeText(model, segment)}</td>}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{model.timeline?.complete === false ? 'ended without a response' : 'total'}</th>
          <td />
          <td>{model.timeline === null ? '–' : totalText(model.timeline)}</td>
          <td colSpan={compared ? 4 : 2} />
        </tr>
      </tfoot>
    </table>
  );
}

function changeText(model: TimelineModel, segment: Segment): string {
  const change = changeOf(model, segment);
  return change === null ? '–' : formatNsDelta(change, changeError(model, segment));
}

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
              <td>{formatNs(mark.atNs, mark.errorNs)}</td>
              <td>
                {index === 0
                  ? '–'
                  : formatNsDelta(
                      mark.atNs - (model.markAtNs[index - 1] ?? 0),
                      mark.errorNs + (model.markErrorNs[index - 1] ?? 0),
                    )}
              </td>
              <td>{formatNsError(mark.errorNs)}</td>
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
