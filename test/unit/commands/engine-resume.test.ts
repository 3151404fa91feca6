import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Invocation } from '../../../src/command-table.ts';
import { resume } from '../../../src/commands/engine-resume.ts';
import { engineSchema } from '../../../src/config/engine-schema.ts';
import { askForEngine, readEngineOutcome } from '../../../src/engine-request.ts';
import { openStateFiles } from '../../../src/host/state-files.ts';

await t.test('where the lock cannot be had, that is what came of it', async (t) => {
  for (const isCutOff of [false, true]) {
    const stateDirectory = t.testdir({});
    const state = openStateFiles(stateDirectory);
    // A lock that is a link is refused, without a wait.
    symlinkSync('elsewhere', join(stateDirectory, 'lock'));
    await askForEngine(state, {
      verb: 'repair',
      engine: engineSchema.parse({}),
      backupsDirectory: '/nowhere',
      socket: '/nowhere/docker.sock',
    });
    if (isCutOff) await state.write('engine-transaction.json', '{}');
    const invocation = {
      settings: { stateDirectory, configFile: '/nonexistent', overrides: [], debug: false },
      environment: {},
      flags: {},
    } as unknown as Invocation;
    await t.rejects(resume(invocation), { code: 'ELOOP' });
    t.match(
      await readEngineOutcome(state),
      isCutOff
        ? { state: 'interrupted', summary: /could not be gone on with: ELOOP/ }
        : { state: 'aborted', summary: /^nothing of the engine was changed: ELOOP/ },
    );
  }
});
