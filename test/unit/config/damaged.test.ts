import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/errors.ts';
import { randomFrom } from '../../support/random.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const INPUTS = 2000;

const good = `root: /home/geo/operation
project_name: autonomy
branch: embody-alpha
policy:
  dangerous: approve
schedule:
  windows: [{days: [sat, sun], from: "02:00", to: "05:00"}]
health:
  urls:
    - http://localhost:8082/health
  stable_seconds: 3
compose:
  environment:
    ENVIRONMENT: staging
`;

await t.test(`a damaged configuration is an error that names the file, seed ${SEED}`, async (t) => {
  const random = randomFrom(SEED);
  const file = join(t.testdir(), 'update_config.yaml');
  const problems: string[] = [];
  for (let input = 0; input < INPUTS; input++) {
    const bytes = Buffer.from(good, 'utf8');
    for (let flip = 0; flip <= random.below(4); flip++) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    const cut = random.below(3) === 0 ? random.below(bytes.length) : bytes.length;
    writeFileSync(file, bytes.subarray(0, cut));
    try {
      await loadConfig({ file, fileRequired: true, environment: {}, flags: [] });
    } catch (error) {
      const isClear = error instanceof ConfigError && error.message.includes(file);
      if (!isClear) problems.push(`${JSON.stringify(bytes.toString('utf8'))}: ${String(error)}`);
    }
  }
  t.same(problems.slice(0, 2), [], `${problems.length} of ${INPUTS}`);
});
