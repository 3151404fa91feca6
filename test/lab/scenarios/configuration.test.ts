import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, expectRefusal, expectUpdate } from '../picture.ts';

const file = '/etc/orchestrator-update/update_config.yaml';

/** What is written into the file, and what has to be said of it besides the file and the line. */
const mistakes: Record<string, { text: (good: string) => string; says: RegExp }> = {
  'an unknown key': {
    text: (good) => `${good}\nbrnch: main\n`,
    says: /:\d+: unknown key brnch \(did you mean branch\?\)/,
  },
  'an unknown key of a section': {
    text: (good) => good.replace('stable_seconds:', 'stabel_seconds:'),
    says: /:\d+: unknown key health\.stabel_seconds \(did you mean health\.stable_seconds\?\)/,
  },
  'a wrong type': {
    text: (good) => `${good}\ntimeouts:\n  git_seconds: soon\n`,
    says: /:\d+: timeouts\.git_seconds: .*number/,
  },
  'a number out of range': {
    text: (good) => good.replace(/stable_seconds: .*/, 'stable_seconds: -1'),
    says: /:\d+: health\.stable_seconds: /,
  },
  'a value that is none of the known ones': {
    text: (good) => `${good}\nstrategy: recreate\n`,
    says: /:\d+: strategy: .*reconcile.*rebuild/,
  },
  'text that is not YAML': {
    text: (good) => `${good}\nhealth: [\n`,
    says: /:\d+:\d+: not valid YAML: /,
  },
  'a list instead of a mapping': {
    text: () => '- branch\n',
    says: /:1: a mapping of keys to values is expected/,
  },
};

await t.test('a mistake in the configuration: named with its line, nothing changed', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const good = await host.readFile(file);
  await host.pushCluster({ tag: 'v2' });

  for (const [name, { text, says }] of Object.entries(mistakes)) {
    await t.test(name, async (t) => {
      const bad = text(good);
      t.not(bad, good);
      await host.writeFile(file, bad, { mode: '0600' });
      const said = await expectRefusal(t, host, 2);
      t.match(said, new RegExp(`${file}${says.source}`), 'in the journal of the service');
      t.match(said, /next: mend it and try/);
      const check = await host.cli('config', 'check');
      t.equal(check.exitCode, 2);
      t.match(check.stderr, new RegExp(`${file}${says.source}`), 'and of `config check`');
      // Where the line is given, it is the line of the mistake.
      const line = Number(/yaml:(\d+)/.exec(check.stderr)?.[1]);
      t.ok(line >= 1 && line <= bad.split('\n').length, `line ${line}`);
    });
  }

  await t.test('two mistakes are told at once', async (t) => {
    await host.writeFile(file, `${good}\nbrnch: x\nstrategy: y\n`, { mode: '0600' });
    const { exitCode, stderr } = await host.cli('config', 'check');
    t.equal(exitCode, 2);
    t.match(stderr, /2 mistakes/);
    t.match(stderr, /brnch[\s\S]*strategy|strategy[\s\S]*brnch/);
    const lines = good.split('\n').length;
    t.match(stderr, new RegExp(`yaml:${lines + 1}: unknown key brnch`));
    t.match(stderr, new RegExp(`yaml:${lines + 2}: strategy`));
  });

  await t.test('a mistake after a good run is not hidden by what was remembered', async (t) => {
    await host.writeFile(file, good, { mode: '0600' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
    await host.writeFile(file, `${good}\nbrnch: main\n`, { mode: '0600' });
    t.match(await expectRefusal(t, host, 2), /unknown key brnch/);
    await host.writeFile(file, good, { mode: '0600' });
    t.match(await expectUpdate(t, host, 0), /nothing to do/);
  });

  await t.test('a branch, a project directory, a project that are not there', async (t) => {
    await host.writeFile(file, good.replace(/^branch: .*/m, 'branch: nowhere'), { mode: '0600' });
    t.match(await expectRefusal(t, host), /nowhere/);
    const elsewhere = good.replace(/^project_dir: .*/m, 'project_dir: /home/geo/operation/gone');
    t.not(elsewhere, good);
    await host.writeFile(file, elsewhere, { mode: '0600' });
    t.match(await expectRefusal(t, host), /\/home\/geo\/operation\/gone/);
  });
});
