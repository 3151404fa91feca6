import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configSchema, settleConfig } from '../../../src/config/schema.ts';
import { createCompose } from '../../../src/host/compose.ts';
import type { Repository } from '../../../src/host/repository.ts';

const services = {
  web: {},
  viewer: { profiles: ['viewer'] },
  other: { profiles: ['other'] },
  manager: {},
};

const skip = ['/usr/bin/docker', '/usr/local/bin/docker'].some((path) => existsSync(path))
  ? false
  : 'there is no docker';

/** A plugin of Docker's that has `viewer` active by a variable, as by `COMPOSE_PROFILES` in `.env`. */
const plugin = (calls: string): string => `#!/bin/sh
case "$*" in
  docker-cli-plugin-metadata) echo '{"SchemaVersion":"0.1.0","Vendor":"x","Version":"v2.0.0"}' ;;
  *' config --format json') echo '${JSON.stringify({ name: 'shop', services })}' ;;
  *"--profile * config --services") printf 'manager\\nother\\nviewer\\nweb\\n' ;;
  *' config --services') printf 'manager\\nviewer\\nweb\\n' ;;
esac
echo "$*" >>${calls}
`;

/** What docker compose is called with when all is brought up. */
async function upOfAll(t: Test, service: string): Promise<string> {
  const directory = t.testdir({ 'cli-plugins': {}, project: {}, cache: {}, state: {} });
  const calls = join(directory, 'calls');
  writeFileSync(join(directory, 'cli-plugins/docker-compose'), plugin(calls), { mode: 0o755 });
  const { DOCKER_CONFIG } = process.env;
  process.env['DOCKER_CONFIG'] = directory;
  t.teardown(() => {
    if (DOCKER_CONFIG === undefined) delete process.env['DOCKER_CONFIG'];
    else process.env['DOCKER_CONFIG'] = DOCKER_CONFIG;
  });
  const project_dir = join(directory, 'project');
  const compose = createCompose({
    config: settleConfig(configSchema.parse({ project_dir, project_name: 'shop' })),
    repository: {} as Repository,
    cacheDirectory: join(directory, 'cache'),
    stateDirectory: join(directory, 'state'),
    signal: () => undefined,
    watch: { started: () => {}, line: () => {} },
    own: async () => ({
      id: 'x',
      name: 'manager',
      project: 'shop',
      service,
      configHash: 'h',
      networks: [],
    }),
  });
  await compose.up({ services: [], removeOrphans: true });
  return readFileSync(calls, 'utf8').trim().split('\n').at(-1) ?? '';
}

await t.test(
  '`up` of all beside its own: services that `.env` activates, too',
  { skip },
  async (t) => {
    t.match(await upOfAll(t, 'manager'), / up .*--remove-orphans --no-deps -- viewer web$/);
  },
);
