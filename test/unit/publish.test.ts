import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { CheckState } from '../../src/core/check-metrics.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { publishFile } from '../../src/host/published-file.ts';
import { publishCheck } from '../../src/publish-check.ts';
import {
  appendEntry,
  openTransaction,
  closeTransaction,
  type Material,
} from '../../src/records.ts';
import { model } from '../support/builders.ts';
import { busyReport } from '../support/sample-report.ts';

const secret = 'hunter2-9f83c1';

/** A host with a state, a directory of a web server's, and one of node_exporter's. */
function setup(t: Test) {
  const directory = t.testdir({ www: {}, prom: {}, state: {}, backups: {} });
  const at = (name: string): string => join(directory, name);
  const config = settleConfig(
    configSchema.parse({
      backups_dir: at('backups'),
      report: { path: at('www/update.html') },
      metrics: { path: at('prom/update.prom') },
    }),
  );
  const state = openStateFiles(at('state'));
  const publish = (result: CheckState, seconds: number): Promise<void> =>
    publishCheck({
      config,
      stateDirectory: at('state'),
      socket: '/nonexistent/docker.sock',
      state: result,
      now: new Date(seconds * 1000),
    });
  /** A run that was taken back, and told a secret. */
  const addRun = async (index: number): Promise<void> => {
    const { plan, entries } = busyReport.transactions[index] ?? { plan: undefined, entries: [] };
    if (plan === undefined) return;
    const models = model({ web: { image: 'web:1', environment: { API_TOKEN: secret } } });
    const material: Material = {
      plan: { ...plan, warnings: [`${secret} is told`] },
      oldModel: models,
      newModel: models,
      oldFingerprint: {},
      newFingerprint: {},
      baseline: [],
      endedBefore: [],
    };
    const id = `2026112${index}T000000Z-x`;
    await openTransaction(state, id, material);
    for (const entry of entries) {
      const note = entry.note === undefined ? {} : { note: `${entry.note} ${secret}` };
      await appendEntry(state, id, { ...entry, ...note });
    }
    await closeTransaction(state);
  };
  const text = (name: string): string => readFileSync(at(name), 'utf8');
  /** Another number where it was replaced. */
  const inodeOf = (name: string): number => statSync(at(name)).ino;
  return { at, config, publish, addRun, text, inodeOf };
}

await t.test('a run that did something: page and metrics, without secrets', async (t) => {
  const { at, publish, addRun, text } = setup(t);
  await addRun(1);
  await publish('rolled back', 1000);
  t.match(text('www/update.html'), /rolled back/);
  t.match(text('www/update.html'), /… is told/);
  const metrics = text('prom/update.prom');
  t.match(metrics, /rollbacks_total\{reason="unhealthy"\} 1\n/);
  t.match(metrics, /state\{state="rolled_back"\} 1\n/);
  t.notMatch(metrics, /last_success_timestamp_seconds/, 'there was none yet');
  for (const name of ['www/update.html', 'prom/update.prom']) {
    t.notMatch(text(name), secret);
    t.equal(statSync(at(name)).mode & 0o777, 0o644, name);
  }
  t.equal(statSync(at('state/published.json')).mode & 0o777, 0o600);
});

await t.test('a run that did nothing writes the metrics alone', async (t) => {
  const { at, publish, addRun, text, inodeOf } = setup(t);
  await addRun(0);
  await publish('nothing', 1000);
  const page = inodeOf('www/update.html');
  await publish('nothing', 2000);
  t.equal(inodeOf('www/update.html'), page, 'the page is not made anew');
  t.match(text('prom/update.prom'), /last_check_timestamp_seconds 2000\n/);
  t.match(text('prom/update.prom'), /last_success_timestamp_seconds 2000\n/);
  t.match(text('prom/update.prom'), /updates_total 1\n/, 'the rest is still there');
  await publish('failed', 3000);
  t.match(text('prom/update.prom'), /last_check_timestamp_seconds 3000\n/);
  t.match(text('prom/update.prom'), /last_success_timestamp_seconds 2000\n/);
  await publish('failed', 3500);
  t.match(text('prom/update.prom'), /last_success_timestamp_seconds 2000\n/);
  await addRun(1);
  const stale = inodeOf('www/update.html');
  await publish('rolled back', 4000);
  t.not(inodeOf('www/update.html'), stale, 'something was done');
  t.match(text('prom/update.prom'), /updates_total 1\n[^]*reason="unhealthy"\} 1\n/);
  writeFileSync(at('state/published.json'), 'damaged');
  await publish('nothing', 5000);
  t.match(
    text('prom/update.prom'),
    /updates_total 1\n[^]*reason="unhealthy"\} 1\n/,
    'counted once',
  );
});

await t.test('what could not be written is written by the next run', async (t) => {
  const { at, publish, text } = setup(t);
  mkdirSync(at('www/update.html'));
  await t.rejects(publish('nothing', 1000), { message: /update\.html is no plain file/ });
  rmdirSync(at('www/update.html'));
  await publish('nothing', 2000);
  t.match(text('www/update.html'), /No update or rollback yet/);
});

await t.test('a page that cannot be written keeps no metrics', async (t) => {
  const { at, publish, addRun, text } = setup(t);
  mkdirSync(at('www/update.html'));
  await addRun(0);
  await t.rejects(publish('updated', 1000), { message: /update\.html is no plain file/ });
  t.match(text('prom/update.prom'), /last_success_timestamp_seconds 1000\n/);
  t.match(text('prom/update.prom'), /updates_total 1\n/);
  await t.rejects(publish('failed', 2000), { message: /update\.html is no plain file/ });
  t.match(text('prom/update.prom'), /last_check_timestamp_seconds 2000\n/);
  t.match(text('prom/update.prom'), /last_success_timestamp_seconds 1000\n/);
});

await t.test('neither can be written: both are named, and the next run writes them', async (t) => {
  const { at, publish, text } = setup(t);
  for (const name of ['www', 'prom']) rmdirSync(at(name));
  await t.rejects(publish('nothing', 1000), {
    message: /\/www is not there; .*\/prom is not there$/,
    next: /mkdir -p .*\/www; .*mkdir -p .*\/prom; /,
  });
  for (const name of ['www', 'prom']) mkdirSync(at(name));
  await publish('nothing', 2000);
  t.match(text('www/update.html'), /No update or rollback yet/);
  t.match(text('prom/update.prom'), /last_check_timestamp_seconds 2000\n/);
});

await t.test('a state of which no report can be made: the metrics of the last one', async (t) => {
  const { at, publish, addRun, text } = setup(t);
  await addRun(0);
  await publish('updated', 1000);
  writeFileSync(at('state/quarantine.json'), 'damaged');
  await t.rejects(publish('failed', 2000));
  t.match(text('prom/update.prom'), /last_check_timestamp_seconds 2000\n/);
  t.match(text('prom/update.prom'), /updates_total 1\n/);
});

await t.test('nothing is written through a link', async (t) => {
  const { at } = setup(t);
  writeFileSync(at('target'), 'precious');
  symlinkSync(at('target'), at('www/link.html'));
  await t.rejects(publishFile(at('www/link.html'), 'x'), { message: /no plain file/ });
  symlinkSync(at('target'), at('www/.page.html.new'));
  await publishFile(at('www/page.html'), 'x');
  symlinkSync(at('www'), at('web'));
  await t.rejects(publishFile(at('web/page.html'), 'y'), { message: /by a symbolic link/ });
  t.equal(readFileSync(at('target'), 'utf8'), 'precious');
  t.equal(readFileSync(at('www/page.html'), 'utf8'), 'x');
  await t.rejects(publishFile(at('absent/page.html'), 'x'), {
    message: `${at('absent')} is not there`,
    next: /^mkdir -p .*\/absent; then run install_update_service\.sh again/,
  });
  t.notOk(existsSync(at('absent')), 'no directory is made');
});

await t.test('the mode does not depend on the mask', async (t) => {
  const { at } = setup(t);
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  writeFileSync(at('www/page.html'), 'old');
  chmodSync(at('www/page.html'), 0o600);
  await publishFile(at('www/page.html'), 'x');
  t.equal(statSync(at('www/page.html')).mode & 0o777, 0o644);
});
