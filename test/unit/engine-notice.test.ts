import t, { type Test } from 'tap';
import type { EngineOutcome } from '../../src/engine-outcome.ts';
import {
  engineDraft,
  raiseEngineChange,
  raiseNewerEngine,
  raiseRepaired,
  raiseRung,
} from '../../src/engine-notice.ts';
import { writeEngineOutcome } from '../../src/engine-request.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { readNotices } from '../../src/notices.ts';

const BEGUN_MS = Date.parse('2026-01-01T12:00:00Z');
const changes = [{ name: 'docker.io', from: '26.1.5', to: '28.5.2' }];
const aborted: EngineOutcome = {
  state: 'aborted',
  summary: 'nothing of the engine was changed: no backup',
  changes: [],
  problems: ['no backup'],
};

function host(t: Test) {
  const state = openStateFiles(t.testdir({}));
  const draftOf = (verb = 'upgrade') =>
    engineDraft(state, { kind: 'engine', verb, atMs: BEGUN_MS });
  return { state, draftOf };
}

await t.test('how each change ends', async (t) => {
  for (const [verb, outcome, wanted] of [
    ['upgrade', aborted, { event: 'engine', summary: aborted.summary, output: [] }],
    ['upgrade', { ...aborted, state: 'taken back', changes }, { event: 'engine', changes: [/28/] }],
    ['repair', { ...aborted, state: 'operator' }, { event: 'needs-operator' }],
    ['repair', { ...aborted, state: 'done', summary: 'it works again' }, { event: 'recovered' }],
    ['repair', { ...aborted, state: 'done', summary: 'Docker answers' }, undefined],
    ['repair', { ...aborted, state: 'done', summary: 'the engine works' }, undefined],
    ['repair', { ...aborted, summary: 'nothing is asked for' }, undefined],
    ['upgrade', { ...aborted, state: 'done', summary: 'nothing newer' }, undefined],
    ['upgrade', { ...aborted, state: 'interrupted' }, undefined],
  ] as const) {
    const { state, draftOf } = host(t);
    await writeEngineOutcome(state, outcome);
    const draft = await draftOf(verb);
    if (wanted === undefined) t.equal(draft, undefined, outcome.state);
    else t.match(draft, wanted, outcome.state);
  }
});

await t.test('while it goes on, and before it has said anything, it is told later', async (t) => {
  const { state, draftOf } = host(t);
  t.equal(await draftOf(), 'later');
  await writeEngineOutcome(state, aborted);
  await state.write('engine-transaction.json', '{}');
  t.equal(await draftOf(), 'later');
});

await t.test('killed after its end, the record of the upgrade tells it', async (t) => {
  const { state, draftOf } = host(t);
  // What the next start says, which finds nothing to do.
  await writeEngineOutcome(state, { ...aborted, summary: 'nothing is asked for' });
  const before = { version: '', oldestApi: '', storageDriver: '', imageStore: 'docker' };
  const view = { ...before, liveRestore: true, isSwarm: false, containers: [] };
  const record = { id: 'E1', changes, before: { ...view, networks: [], volumes: [] } };
  const write = (at: string) => state.write('engine.json', JSON.stringify({ ...record, at }));
  await write('2026-01-01T11:00:00Z');
  t.equal(await draftOf(), undefined, 'that was an earlier one');
  await write('2026-01-01T12:30:00Z');
  t.match(await draftOf(), {
    event: 'engine',
    at: '2026-01-01T12:30:00Z',
    summary: 'Docker was upgraded, and works: docker.io 26.1.5 → 28.5.2',
  });
});

await t.test('what is written down: a change, a newer engine, a rung', async (t) => {
  const { state } = host(t);
  await raiseEngineChange(state, undefined);
  t.same(await readNotices(state), []);
  await state.write('engine-incident.json', '{}');
  await raiseEngineChange(state, undefined);
  const first = await readNotices(state);
  t.match(first, [{ notice: { kind: 'engine', verb: 'repair' } }]);
  await raiseEngineChange(state, 'upgrade');
  t.same(await readNotices(state), first, 'who goes on after a kill is not the first');
  const now = new Date(BEGUN_MS);
  await raiseNewerEngine(state, { text: 'docker.io 28', type: 'engine upgrade', now });
  const rung = { number: 5, what: 'end it', risk: 'none' };
  await raiseRung(state, rung, ['it hangs'], now.toISOString());
  const notices = (await readNotices(state)).map(({ notice }) =>
    notice.kind === 'draft' ? notice.draft : notice,
  );
  t.match(notices, [
    { event: 'available', summary: 'docker.io 28 can be had', next: 'engine upgrade' },
    { event: 'engine', summary: /rung 5: end it \(risk: none\)/, output: ['it hangs'] },
    { kind: 'engine', verb: 'repair' },
  ]);
});

await t.test('what came of an earlier change is not told of the present one', async (t) => {
  const { state } = host(t);
  await writeEngineOutcome(state, { ...aborted, state: 'done', summary: 'it works again' });
  await state.write('engine-incident.json', '{}');
  await raiseEngineChange(state, undefined);
  const draft = () => engineDraft(state, { kind: 'engine', verb: 'repair', atMs: BEGUN_MS });
  t.equal(await draft(), 'later');
  await writeEngineOutcome(state, aborted);
  await raiseEngineChange(state, 'repair');
  t.match(await draft(), { summary: aborted.summary }, 'who goes on hides no end');
});

await t.test(
  'mended by hand: those who were told of the rung are told that it works',
  async (t) => {
    const { state } = host(t);
    const at = '2026-01-01T12:00:30.000Z';
    const outcome = { summary: 'the engine works again', complaints: ['it did not answer'] };
    await raiseRepaired(state, outcome, at);
    t.match(await readNotices(state), [
      {
        notice: {
          kind: 'draft',
          draft: { event: 'recovered', at, summary: outcome.summary, output: outcome.complaints },
        },
      },
    ]);
  },
);
