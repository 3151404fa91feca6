import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Invocation } from '../../../src/command-table.ts';
import { badBackup, isVerificationDue, remindOfBackup } from '../../../src/commands/bad-backup.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import type { Verification } from '../../../src/core/verification.ts';
import type { Log } from '../../../src/host/log.ts';

const damaged: Verification = {
  kind: 'sample',
  atMs: Date.now(),
  backup: 'B1',
  result: 'damaged',
  problems: ['volumes/data/x: its content differs'],
};
const config = settleConfig(configSchema.parse({}));

function stateWith(t: Test, record?: unknown) {
  const stateDirectory = t.testdir({});
  if (record !== undefined) {
    const text = typeof record === 'string' ? record : JSON.stringify(record);
    writeFileSync(join(stateDirectory, 'verification.json'), text);
  }
  const said: string[] = [];
  const say = (level: string) => (message: string) => void said.push(`${level} ${message}`);
  const log: Log = {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    flush: async () => {},
  };
  const invocation = (auto: boolean) =>
    ({ settings: { stateDirectory }, environment: {}, flags: { auto } }) as unknown as Invocation;
  return { stateDirectory, said, log, invocation };
}

await t.test('what is due is known from the record alone', async (t) => {
  const isDue = (record: unknown, of = config) =>
    isVerificationDue(stateWith(t, record).invocation(true), of);
  t.equal(isDue(undefined), true);
  t.equal(isDue('{'), true, 'a damaged one counts for nothing');
  t.equal(isDue({ last: { sample: damaged }, damaged: [] }), false);
  const { verify: _, ...backup } = config.backup;
  const earlier = { ...config, backup } as typeof config;
  const record = { last: { sample: damaged }, damaged: [] };
  t.equal(isDue(record, earlier), true, 'what an earlier program remembered of the configuration');
});

await t.test(
  'the run that finds it ends with 1; the timer says it once a day from then on',
  async (t) => {
    const { said, log, invocation, stateDirectory } = stateWith(t, {
      last: { sample: damaged },
      damaged: [damaged],
      alarm: damaged,
    });
    t.match(await badBackup(invocation(true), damaged), {
      result: 'bad backup',
      exitCode: 1,
      summary: 'the backup B1 is damaged: volumes/data/x: its content differs',
      next: /^orchestrator-update backup create; /,
    });
    await remindOfBackup(invocation(true), log);
    t.same(said, [], 'it was just told');
    await remindOfBackup(invocation(false), log);
    t.match(said, [/^error the backup B1 is damaged/, /^info next: /], 'who asks is told');
    const file = join(stateDirectory, 'reminded-of-backup.json');
    const { about } = JSON.parse(readFileSync(file, 'utf8')) as { about: string };
    writeFileSync(file, JSON.stringify({ about, atMs: Date.now() - 25 * 3_600_000 }));
    await remindOfBackup(invocation(true), log);
    t.equal(said.length, 4, 'a day later');
    await remindOfBackup(invocation(true), log);
    t.equal(said.length, 4);
  },
);

await t.test('good, given up, and nothing to verify are no alarm', async (t) => {
  const { said, log, invocation } = stateWith(t, { last: { sample: damaged }, damaged: [damaged] });
  for (const result of ['good', 'unfinished', 'none'] as const) {
    t.equal(await badBackup(invocation(true), { ...damaged, result }), undefined);
  }
  await remindOfBackup(invocation(false), log);
  t.same(said, []);
});
