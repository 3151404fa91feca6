import { durationText, momentText } from './duration.ts';
import { html, type Html } from './html.ts';
import { runCard, time } from './report-run.ts';
import { reportStyle } from './report-style.ts';
import {
  outcomeOf,
  quarantinedText,
  shortCommit,
  sizeText,
  stateOfHost,
  type Tone,
} from './report-words.ts';
import type { ReportBackup, ReportData } from './report.ts';

/** Nothing is loaded, from nowhere, and nothing is run. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
/** An empty picture: a browser asks a web server for none. */
const NO_ICON = 'data:,';

/** The report as one page that needs nothing beside itself. Every text in it is escaped. */
export function reportPage(data: ReportData): string {
  const { project, host, branch } = data;
  const state = stateOfHost(data);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="${NO_ICON}" />
        <title>${project} on ${host}: ${state.word}</title>
        <style>
          ${{ markup: reportStyle }}
        </style>
      </head>
      <body>
        <header>
          <div class="top">
            <h1>${project}</h1>
            <span class="pill ${state.tone}">${state.word}</span>
          </div>
          <p class="soft">
            on <b>${host}</b>, following <b>${branch}</b>; as of ${time(data.madeAt)} UTC
          </p>
          ${notices(data)} ${facts(data)}
        </header>
        <main>
          <h2>${runsTitle(data.runs.length)}</h2>
          ${data.runs.length > 0 ? data.runs.map(runCard) : html`<div class="panel">No update or rollback yet.</div>`}
          ${quarantineSection(data)} ${backupSection(data)}
        </main>
        <footer>
          orchestrator-update ${data.version}. Times are UTC. This page loads nothing and runs no
          script.
        </footer>
      </body>
    </html> `;
  return page.markup;
}

function runsTitle(count: number): string {
  if (count === 0) return 'Runs';
  return count === 1 ? 'The last run' : `The last ${count} runs`;
}

function notices(data: ReportData): Html[] {
  const { needsOperator, alarm, holds } = data;
  return [
    ...(needsOperator === null
      ? []
      : [
          notice(
            'alert',
            `An operator is needed: ${needsOperator}`,
            'When the cluster is well: orchestrator-update acknowledge',
          ),
        ]),
    ...(alarm === null
      ? []
      : [notice('alert', `Alarm: ${alarm}`, 'orchestrator-update status says what to type')]),
    ...holds.map((hold) =>
      notice('bad', `Held: ${hold}`, 'orchestrator-update status says what to type'),
    ),
  ];
}

function facts(data: ReportData): Html {
  const { deployed, runs, backups, engine } = data;
  const [last] = runs;
  const [backup] = backups;
  const upgrade = engine?.isUnfinished
    ? 'is being changed'
    : engine?.available
      ? `${engine.available} can be had`
      : engine?.upgradedAt
        ? html`upgraded ${time(engine.upgradedAt)}`
        : undefined;
  return html`<dl class="facts">
    ${fact('Deployed', deployed ? html`<span class="code">${shortCommit(deployed.commit)}</span>` : 'nothing recorded', deployed ? html`since ${time(deployed.at)}` : undefined)}
    ${fact('Last run', last ? outcomeOf(last).word : 'none yet', last ? html`${time(last.at)}, ${durationText(last.seconds)}` : undefined)}
    ${fact('Backup', backup ? sizeText(backup.sizeBytes) : 'none yet', backup ? html`${time(backup.at)}; ${backups.length} kept` : undefined)}
    ${fact('Docker', engine === null ? 'not asked' : engine.version || 'does not answer', upgrade)}
  </dl>`;
}

function notice(tone: Tone, text: string, next: string): Html {
  return html`<div class="notice ${tone}" role="note">
    <p>${text}</p>
    <p class="small">${next}</p>
  </div>`;
}

function fact(name: string, value: string | Html, more: string | Html | undefined): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
    ${more === undefined ? undefined : html`<dd>${more}</dd>`}
  </div>`;
}

function quarantineSection({ quarantine }: ReportData): Html {
  if (quarantine.length === 0) return html``;
  const rows = quarantine
    .toSorted((left, right) => (left.at < right.at ? 1 : -1))
    .map(
      (one) =>
        html`<tr>
          <td data-name="What" class="code tight">${quarantinedText(one)}</td>
          <td data-name="Since" class="tight">${time(one.at)}</td>
          <td>${one.reason}</td>
        </tr>`,
    );
  return html`<h2>In quarantine</h2>
    <div class="panel">
      <p class="soft small">
        What failed: it is not tried again until the branch, or the image, moves on, or somebody
        says so.
      </p>
      <table>
        <thead>
          <tr>
            <th>What</th>
            <th>Since</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function backupSection({ backups }: ReportData): Html {
  if (backups.length === 0) {
    return html`<h2>Backups</h2>
      <div class="panel">No backup yet.</div>`;
  }
  const largest = Math.max(...backups.map(({ sizeBytes }) => sizeBytes), 1);
  const sizes = backups.map(
    ({ at, sizeBytes }) =>
      html`<div>
        <dt>${momentText(at)}</dt>
        <dd class="room"><span style="width:${share(sizeBytes, largest)}%"></span></dd>
        <dd>${sizeText(sizeBytes)}</dd>
      </div>`,
  );
  return html`<h2>Backups</h2>
    <div class="panel">
      <dl class="bars">${sizes}</dl>
      <details>
        <summary>Names, times and verification</summary>
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Release</th>
              <th class="number">Files</th>
              <th class="number">Took</th>
              <th class="number">Writers paused</th>
              <th>Verified</th>
            </tr>
          </thead>
          <tbody>
            ${backups.map(backupRow)}
          </tbody>
        </table>
      </details>
    </div>`;
}

function backupRow(backup: ReportBackup): Html {
  const { name, commit, files, seconds, frozenSeconds } = backup;
  const verified = backup.isDamaged
    ? html`<span class="pill alert">damaged</span>`
    : backup.verifiedAt === null
      ? 'not yet'
      : html`good, ${time(backup.verifiedAt)}`;
  return html`<tr>
    <td class="code">${name}</td>
    <td data-name="Release" class="code tight">${shortCommit(commit)}</td>
    <td data-name="Files" class="number">${files}</td>
    <td data-name="Took" class="number">${durationText(seconds)}</td>
    <td data-name="Paused" class="number">${durationText(frozenSeconds)}</td>
    <td data-name="Verified" class="tight">${verified}</td>
  </tr>`;
}

/** Of a hundred, to a tenth. */
function share(part: number, whole: number): string {
  return ((100 * part) / whole).toFixed(1);
}
