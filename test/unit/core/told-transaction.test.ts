import t from 'tap';
import type { State } from '../../../src/core/journal.ts';
import {
  begunDraft,
  changeTexts,
  endedDraft,
  reasonIn,
} from '../../../src/core/told-transaction.ts';
import { planOf, transactionOf } from '../../support/transactions.ts';

const unhealthy =
  'not healthy after 30 s: http://localhost:8082/health HTTP 503: database is down; service web is unhealthy: timed out';

await t.test('what changed: numbers and names, no values', (t) => {
  t.same(changeTexts(planOf()), [
    '2 changed: db (environment), web (image web:1 → web:2)',
    '1 new: cache',
    '1 gone: old',
  ]);
  const many = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const changes = many.map((service) => ({ kind: 'added', service }) as const);
  t.match(changeTexts({ changes }), [/^12 new: s0, .*s9 and 2 more$/]);
  const resources = [
    { kind: 'resource', section: 'networks', name: 'front', what: 'changed' },
    { kind: 'renamed', service: 'api', from: 'web' },
    { kind: 'contents', service: 'db', paths: ['/a/secret-path'] },
  ] as const;
  t.same(changeTexts({ changes: resources }), [
    '1 changed: db (files it reads)',
    '1 renamed: web → api',
    '1 network: front (changed)',
  ]);
  t.end();
});

const draftOf = (end: State, note?: string) =>
  endedDraft(transactionOf(end, note === undefined ? {} : { note }), true);

await t.test('how it ended is told from the journal', (t) => {
  t.match(draftOf('COMMITTED'), {
    event: 'updated',
    about: 'ended 20260101T120000Z-bbbbbbbb',
    summary: 'updated from aaaaaaaaaaaa to bbbbbbbbbbbb, and verified',
    outages: ['db: away for 2 s at most', 'web: away for 2 s at most'],
  });
  t.match(draftOf('ROLLED_BACK', unhealthy), {
    event: 'rolled-back',
    summary: /^b{12} was rolled back to a{12}, which is healthy: not healthy after 30 s$/,
    output: [
      'http://localhost:8082/health HTTP 503: database is down',
      'service web is unhealthy: timed out',
    ],
    next: /quarantined; .*run --force/,
    alsoAbout: [`quarantine ${'b'.repeat(40)}`],
  });
  t.match(draftOf('NEEDS_OPERATOR', 'it does not come back'), {
    event: 'needs-operator',
    next: /orchestrator-update acknowledge$/,
    alsoAbout: ['operator 20260101T120000Z-bbbbbbbb', `quarantine ${'b'.repeat(40)}`],
  });
  t.end();
});

const abortedWith = (note: string, step = 'pull web:2') => {
  const { entries, ...rest } = transactionOf('ABORTED', { note });
  const [first, ...others] = entries;
  const pulled = { at: first?.at ?? '', state: 'PREPARING', step } as const;
  return endedDraft({ ...rest, entries: [...(first ? [first] : []), pulled, ...others] }, false);
};

await t.test('of one that was given up before it touched anything', (t) => {
  t.match(abortedWith('docker pull: failed:\nmanifest unknown'), {
    event: 'failed',
    about: `failed ${'b'.repeat(40)}`,
    summary: /given up before anything was touched: docker pull: failed$/,
    output: ['manifest unknown'],
    outages: [],
  });
  t.match(abortedWith('no space left', 'back up to B1'), {
    event: 'backup-failed',
    about: `backup failed ${'b'.repeat(40)}`,
  });
  t.match(abortedWith('the run was cut off in PREPARING'), { event: 'recovered' });
  for (const note of [
    'an update waits for approval: a → b',
    'an update is available: a → b',
    'interrupted by SIGTERM',
  ]) {
    t.equal(abortedWith(note), undefined, note);
  }
  t.end();
});

await t.test('how long who was away is what was measured, where it was', (t) => {
  const { entries, ...rest } = transactionOf('COMMITTED');
  const downtime = [
    { service: 'db', seconds: 0.4 },
    { service: 'web', seconds: 1.25, goesOn: true },
  ] as const;
  const measured = entries.map((one) => (one.state === 'COMMITTING' ? { ...one, downtime } : one));
  t.same(endedDraft({ ...rest, entries: measured }, false)?.outages, [
    'web: away for 1.25 s, and not back yet',
    'db: away for 0.4 s',
  ]);
  t.end();
});

await t.test('what is not over is not told, but that it has begun', (t) => {
  const whole = transactionOf('COMMITTED');
  for (let lines = 1; lines < whole.entries.length; lines++) {
    t.equal(endedDraft({ ...whole, entries: whole.entries.slice(0, lines) }, false), undefined);
  }
  t.match(begunDraft(whole), {
    event: 'started',
    about: 'begun 20260101T120000Z-bbbbbbbb',
    summary: 'an update from aaaaaaaaaaaa to bbbbbbbbbbbb has begun',
    next: /^journalctl/,
  });
  t.end();
});

await t.test('a reason: a sentence, and the last lines of what failed', (t) => {
  t.same(reasonIn('docker compose up: failed with exit code 1:\nline 1\n\nline 2'), {
    headline: 'docker compose up: failed with exit code 1',
    output: ['line 1', 'line 2'],
  });
  t.same(reasonIn('Docker was restarted meanwhile: not healthy after 5 s: web is dead'), {
    headline: 'Docker was restarted meanwhile: not healthy after 5 s',
    output: ['web is dead'],
  });
  t.same(reasonIn(''), { headline: '', output: [] });
  t.end();
});
