import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { notifySchema } from '../../src/config/notify-schema.ts';
import { openStateFiles } from '../../src/host/state-files.ts';
import { dropWatchConfig, isAnybodyTold, withManagerTargets } from '../../src/watch-config.ts';

const command = { type: 'command', command: ['/bin/true'] };
const own = notifySchema.parse({ targets: [{ ...command, name: 'ops' }] }).targets;

function stateWith(t: Test, config?: string) {
  const directory = t.testdir({ untold: {}, outbox: {} });
  if (config !== undefined) {
    mkdirSync(join(directory, 'watch'));
    writeFileSync(join(directory, 'watch/update_config.yaml'), config);
    writeFileSync(join(directory, 'watch/webhook-url'), 'https://x.example\n');
  }
  return { directory, state: openStateFiles(directory) };
}

const managerConfig = JSON.stringify({
  notify: {
    targets: [
      { ...command, name: 'ops', events: ['all'] },
      { type: 'webhook', name: 'webhook-url', url_file: '/x', unsigned: true },
    ],
  },
});

await t.test('no update manager: those of the configuration', async (t) => {
  const { state } = stateWith(t);
  t.same(await withManagerTargets(state, own), { targets: own, isPartial: false });
  t.notOk(await isAnybodyTold(state, []));
});

await t.test('those of the update manager are added, each name once', async (t) => {
  const { state } = stateWith(t, managerConfig);
  const { targets, isPartial } = await withManagerTargets(state, own);
  t.same(targets[0], own[0], 'the configuration of the command counts');
  t.match(targets.slice(1), [{ name: 'webhook-url', url_file: '/x' }]);
  t.notOk(isPartial);
  t.ok(await isAnybodyTold(state, []));
});

await t.test('what cannot be read leaves somebody out', async (t) => {
  for (const text of ['{', '{"notify":{"targets":[{"type":"pigeon"}]}}']) {
    const { state } = stateWith(t, text);
    t.same(await withManagerTargets(state, own), { targets: own, isPartial: true }, text);
  }
});

await t.test('it is dropped when nothing waits any more', async (t) => {
  const { directory, state } = stateWith(t, managerConfig);
  for (const name of ['untold/a.json', 'outbox/a.json']) {
    writeFileSync(join(directory, name), '{}');
    await dropWatchConfig(state);
    t.ok(await state.read('watch/update_config.yaml'), name);
    t.ok(await state.read('watch/webhook-url'), name);
    await state.remove(name);
  }
  await dropWatchConfig(state);
  t.same(await state.list('watch'), []);
});
