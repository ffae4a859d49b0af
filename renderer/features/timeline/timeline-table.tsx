import { useState } from 'react';
import type { Comparison } from '#shared/model/series.ts';
import type { PhaseName } from '#shared/model/timeline.ts';
import { describeSpread, formatP, isSignificant } from '#shared/timeline/index.ts';
import { formatNs, formatNsDelta, formatNsError } from '../../ui/instrument-format.ts';
import { changeError, lengthText, previousText, shareText, spreadText, totalText } from './figures.ts';
import styles from './timeline.module.css';
import { phaseAt, type Segment, type TimelineModel } from './timeline-model.ts';
import table from './timeline-table.module.css';
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
    <section className={table.tables} aria-label="Timeline as tables">
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
  const runs = model.spread.length === 0 ? 0 : (model.comparison?.baseline.total.count ?? 0);
  const compared = runs === 0 && model.ghost.length > 0;
  const more = runs > 0 ? 4 : compared ? 2 : 0;
  const blanks = Array.from({ length: more }, (_, index) => <td key={`blank-${String(index)}`}>–</td>);
  return (
    <table className={table.table}>
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
          {runs > 0 && (
            <>
              <th scope="col">median of {runs}</th>
              <th scope="col">5–95 %</th>
              <th scope="col">change</th>
              <th scope="col">p</th>
            </>
          )}
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
              {blanks}
            </tr>
          ))}
        {model.segments.map((segment) => (
          <tr key={segment.name} aria-selected={selectedPhase === segment.name}>
            <th scope="row">
              <button type="button" onClick={() => onSelectPhase(selectedPhase === segment.name ? null : segment.name)}>
                <span className={`${styles.swatch} ${table.swatch}`} data-phase={segment.name} />
                {segment.name}
              </button>
            </th>
            <td>{formatNs(segment.startNs, segment.errorNs)}</td>
            <td>{lengthText(segment)}</td>
            <td>{shareText(model, segment)}</td>
            <td>{formatNsError(segment.errorNs)}</td>
            {compared && <td>{previousText(model, segment.name)}</td>}
            {compared && <td>{changeText(model, segment)}</td>}
            {runs > 0 && <SpreadCells model={model} name={segment.name} />}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{model.timeline?.complete === false ? 'ended without a response' : 'total'}</th>
          <td />
          <td>{model.timeline === null ? '–' : totalText(model.timeline)}</td>
          {runs > 0 && model.comparison !== null ? (
            <>
              <td colSpan={2} />
              <TotalSpreadCells comparison={model.comparison} />
            </>
          ) : (
            <td colSpan={compared ? 4 : 2} />
          )}
        </tr>
      </tfoot>
    </table>
  );
}

/** The baseline's figures for a phase. */
function SpreadCells({ model, name }: { readonly model: TimelineModel; readonly name: PhaseName }) {
  const spread = spreadText(model, name);
  if (spread === null) return [0, 1, 2, 3].map((column) => <td key={column}>–</td>);
  return (
    <>
      <td>{spread.median}</td>
      <td>{spread.range}</td>
      <td data-significant={spread.significant}>{spread.change}</td>
      <td>{spread.p.replace('p = ', '').replace('p ', '')}</td>
    </>
  );
}

function TotalSpreadCells({ comparison }: { readonly comparison: Comparison }) {
  const { baseline, total, differences } = comparison;
  return (
    <>
      <td>{formatNs(baseline.total.median * 1e6)}</td>
      <td>{describeSpread(baseline.total)}</td>
      <td data-significant={isSignificant(total, differences)}>{formatNsDelta(total.deltaMs * 1e6)}</td>
      <td>{formatP(total.p).replace('p = ', '').replace('p ', '')}</td>
    </>
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
      <table className={table.table}>
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
        <button type="button" className={table.more} onClick={() => setRows(rows + pageRows)}>
          Show {Math.min(pageRows, more)} more of {more.toLocaleString('en-US')} left
        </button>
      )}
    </div>
  );
}
