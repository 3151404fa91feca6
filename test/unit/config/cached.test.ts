import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cacheFile, configKey, readCachedConfig } from '../../../src/config/cached.ts';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import { readSettings } from '../../../src/settings.ts';

await t.test('the cached configuration holds until something it is made of changes', async (t) => {
  const directory = t.testdir({ 'c.yaml': 'branch: a\n' });
  const configFile = join(directory, 'c.yaml');
  const environment = {
    ORCHESTRATOR_UPDATE_STATE_DIR: directory,
    ORCHESTRATOR_UPDATE_CONFIG: configFile,
  };
  const settings = readSettings({}, environment);
  const config = settleConfig(configSchema.parse({ branch: 'a' }));
  t.equal(readCachedConfig(settings, environment), undefined, 'nothing is cached yet');

  const key = configKey(settings, environment);
  writeFileSync(cacheFile(settings), JSON.stringify({ key, config }));
  t.same(readCachedConfig(settings, environment), config);
  t.same(readCachedConfig(settings, { ...environment, HOME: '/x' }), config);

  const variable = { ...environment, ORCHESTRATOR_UPDATE_BRANCH: 'b' };
  t.equal(readCachedConfig(settings, variable), undefined, 'a variable');
  const flagged = readSettings({ set: ['branch=b'] }, environment);
  t.equal(readCachedConfig(flagged, environment), undefined, 'a flag');
  writeFileSync(configFile, 'branch: b\n');
  t.equal(readCachedConfig(settings, environment), undefined, 'the file');

  writeFileSync(cacheFile(settings), '{"key":');
  t.equal(readCachedConfig(settings, environment), undefined, 'a torn cache');
});

await t.test('flags win over the environment, and defaults are the system’s', async (t) => {
  t.match(readSettings({}, {}), {
    configFile: '/etc/orchestrator-update/update_config.yaml',
    configFileRequired: false,
    stateDirectory: '/var/lib/orchestrator-update',
    cacheDirectory: '/var/cache/orchestrator-update',
    debug: false,
  });
  const environment = {
    ORCHESTRATOR_UPDATE_CONFIG: '/e',
    ORCHESTRATOR_UPDATE_STATE_DIR: '/s',
    ORCHESTRATOR_UPDATE_CACHE_DIR: '/c',
    ORCHESTRATOR_UPDATE_DEBUG: '1',
  };
  t.match(readSettings({ config: '/f', set: ['a=b'] }, environment), {
    configFile: '/f',
    configFileRequired: true,
    overrides: ['a=b'],
    stateDirectory: '/s',
    cacheDirectory: '/c',
    debug: true,
  });
});
