import type { Downtime } from './downtime.ts';
import { durationText, momentText } from './duration.ts';
import { html, type Html } from './html.ts';
import type { State } from './journal.ts';
import { releaseText } from './moved-image.ts';
import type { Phase } from './phases.ts';
import { outcomeOf, phaseWord, shortCommit, sizeText } from './report-words.ts';
import type { ReportRun, ReportService } from './report.ts';

/** So many services, and reasons, are shown at once; the others are folded. */
const SHOWN_AT_ONCE = 8;
const REASONS_AT_ONCE = 5;

/** One run: how it ended and why, where its time went, who was away, what was planned. */
export function runCard(run: ReportRun): Html {
  const { word, tone } = outcomeOf(run);
  const isTold = run.note !== null && run.state !== 'COMMITTED';
  return html`<article class="run" id="${run.id}">
    <div class="top">
      <div class="top">
        <span class="pill ${tone}">${word}</span>
        <h3>${time(run.at)}</h3>
        <span class="soft">took ${durationText(run.seconds)}</span>
      </div>
      <span class="code soft">${releaseText(run, shortCommit)}</span>
    </div>
    ${isTold ? html`<p class="why">${run.note ?? ''}</p>` : undefined} ${timeline(run.phases)}
    <div class="two">
      <div>
        <h4>Why</h4>
        ${list(run.reasons, 'no reason is recorded')}${warnings(run)}
      </div>
      <div>
        <h4>Downtime</h4>
        ${downtimeBars(run)}${backupLine(run)}
      </div>
    </div>
    ${planDetails(run)}${stepDetails(run.phases)}
  </article> `;
}

/** `2026-11-24 02:00`; a machine finds the whole of it. */
export function time(iso: string): Html {
  return html`<time datetime="${iso}">${momentText(iso)}</time>`;
}

export function severalOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function list(texts: readonly string[], otherwise: string): Html {
  if (texts.length === 0) return html`<p class="soft">${otherwise}</p>`;
  const [shown, folded] = [texts.slice(0, REASONS_AT_ONCE), texts.slice(REASONS_AT_ONCE)];
  if (folded.length === 0) return items(shown);
  return html`${items(shown)}
    <details>
      <summary>and ${folded.length} more</summary>
      ${items(folded)}
    </details>`;
}

function items(texts: readonly string[]): Html {
  return html`<ul class="plain">
    ${texts.map((text) => html`<li>${text}</li>`)}
  </ul>`;
}

function warnings({ warnings: texts }: ReportRun): Html | undefined {
  return texts.length === 0
    ? undefined
    : html`<h4>Warnings</h4>
        ${list(texts, '')}`;
}

const colours: Readonly<Partial<Record<State, string>>> = {
  PREPARING: 'prepare',
  ARMED: 'arm',
  APPLYING: 'apply',
  VERIFYING: 'verify',
  COMMITTING: 'commit',
  ROLLING_BACK: 'back',
  VERIFYING_ROLLBACK: 'again',
};

/** A bar whose parts are as long as the phases took, and the same in words. */
function timeline(phases: readonly Phase[]): Html | undefined {
  if (phases.length === 0) return undefined;
  const parts = phases.map(
    ({ state, seconds }) =>
      html`<span
        class="${colours[state] ?? 'arm'}"
        style="flex-grow:${Math.max(seconds, 0.001)}"
        title="${phaseWord(state)}: ${durationText(seconds)}"
      ></span>`,
  );
  const words = phases.map(
    ({ state, seconds, attempt }) =>
      html`<li>
        <i class="${colours[state] ?? 'arm'}"></i
        >${phaseWord(state)}${attempt === undefined ? '' : ` (attempt ${attempt})`}
        <span class="soft">${durationText(seconds)}</span>
      </li>`,
  );
  return html`<div class="track" aria-hidden="true">${parts}</div>
    <ul class="key">
      ${words}
    </ul>`;
}

function downtimeBars({ downtime }: ReportRun): Html {
  if (downtime === null) return html`<p class="soft">not measured</p>`;
  if (downtime.length === 0) return html`<p class="soft">none: no service was away</p>`;
  const all = downtime.toSorted((left, right) => right.seconds - left.seconds);
  const longest = Math.max(all[0]?.seconds ?? 0, 0.01);
  const rows = (some: readonly Downtime[]): Html =>
    html`<dl class="bars">
      ${some.map(
        ({ service, seconds, goesOn }) =>
          html`<div>
            <dt>${service}</dt>
            <dd class="room">
              <span class="away" style="width:${((100 * seconds) / longest).toFixed(1)}%"></span>
            </dd>
            <dd>${goesOn ? 'over ' : ''}${durationText(seconds)}</dd>
          </div>`,
      )}
    </dl>`;
  const folded = all.slice(SHOWN_AT_ONCE);
  if (folded.length === 0) return rows(all);
  return html`${rows(all.slice(0, SHOWN_AT_ONCE))}
    <details>
      <summary>
        and ${folded.length} more, of at most ${durationText(folded[0]?.seconds ?? 0)}
      </summary>
      ${rows(folded)}
    </details>`;
}

function backupLine({ backup }: ReportRun): Html | undefined {
  if (backup === null) return undefined;
  const { sizeBytes, seconds, frozenSeconds } = backup;
  const paused = frozenSeconds > 0 ? `, writers paused for ${durationText(frozenSeconds)}` : '';
  return html`<h4>Backup before it</h4>
    <p>${sizeText(sizeBytes)} in ${durationText(seconds)}${paused}</p>`;
}

function planDetails({ services, untouched, risk }: ReportRun): Html | undefined {
  if (services.length === 0) return undefined;
  const rest = untouched === 0 ? '' : `, ${untouched} untouched`;
  return html`<details>
    <summary>
      Plan:
      ${severalOf(services.length, 'service')}${services.length === 1 ? ' changes' : ' change'}${rest};
      risk: ${risk}
    </summary>
    <table>
      <thead>
        <tr>
          <th>Service</th>
          <th>What</th>
          <th>Risk</th>
          <th>Why</th>
        </tr>
      </thead>
      <tbody>
        ${services.map(serviceRow)}
      </tbody>
    </table>
  </details>`;
}

function serviceRow({ service, action, risk, reasons }: ReportService): Html {
  return html`<tr>
    <td class="name"><b>${service}</b></td>
    <td data-name="What" class="tight">${action}</td>
    <td data-name="Risk" class="tight">${risk}</td>
    <td>${reasons.join('; ')}</td>
  </tr>`;
}

function stepDetails(phases: readonly Phase[]): Html | undefined {
  const steps = phases.flatMap(({ state, steps: all }) =>
    all.map(
      ({ text, seconds }) =>
        html`<tr>
          <td data-name="Phase" class="tight">${phaseWord(state)}</td>
          <td>${text}</td>
          <td data-name="Took" class="number">${durationText(seconds)}</td>
        </tr>`,
    ),
  );
  if (steps.length === 0) return undefined;
  return html`<details>
    <summary>${severalOf(steps.length, 'step')} as the journal has them</summary>
    <table>
      <thead>
        <tr>
          <th>Phase</th>
          <th>Step</th>
          <th class="number">Took</th>
        </tr>
      </thead>
      <tbody>
        ${steps}
      </tbody>
    </table>
  </details>`;
}
