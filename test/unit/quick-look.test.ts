import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import t from 'tap';
import { cacheFile, configKey } from '../../src/config/cached.ts';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import { quickLook } from '../../src/quick-look.ts';
import { readSettings } from '../../src/settings.ts';
import { files } from '../../src/state-names.ts';

await t.test('what is unfinished is for a whole run to see to', async (t) => {
  const directory = t.testdir({ state: {}, repository: {}, 'config.yaml': '' });
  const repository = join(directory, 'repository');
  const git = (...args: string[]): string =>
    execaSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: repository })
      .stdout;
  git('init', '--quiet', '--initial-branch=embody-alpha');
  git('commit', '--quiet', '--allow-empty', '--message=first');
  git('remote', 'add', 'origin', repository);
  const environment = { ORCHESTRATOR_UPDATE_STATE_DIR: join(directory, 'state') };
  const settings = readSettings({ config: join(directory, 'config.yaml') }, environment);
  const at = (name: string): string => join(settings.stateDirectory, name);
  mkdirSync(settings.stateDirectory, { recursive: true });
  const config = settleConfig(configSchema.parse({ images: { mode: 'builtin' } }));
  writeFileSync(
    cacheFile(settings),
    JSON.stringify({ key: configKey(settings, environment), config }),
  );
  const commit = git('rev-parse', 'HEAD');
  writeFileSync(at(files.deployed), JSON.stringify({ commit, repository }));

  const look = await quickLook(settings, environment);
  t.match(look, { deployed: commit, tip: commit, images: { isOpen: false } });
  for (const name of ['active', 'needsOperator', 'frozen', 'towers'] as const) {
    writeFileSync(at(files[name]), '{}');
    t.equal(await quickLook(settings, environment), undefined, files[name]);
    rmSync(at(files[name]));
  }
  writeFileSync(at(files.retry), JSON.stringify({ commit: 'images sha256:a' }));
  t.match(await quickLook(settings, environment), { images: { isOpen: true } });
  writeFileSync(at(files.retry), JSON.stringify({ commit }));
  t.match(await quickLook(settings, environment), { images: { isOpen: false } });
});
