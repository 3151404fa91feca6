import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { allAt, expectUpdate, takePicture } from '../picture.ts';

await t.test('a hold keeps updates back until it is over', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster({ tag: 'v2' });
  const before = await takePicture(host);

  await t.test('nothing is updated, and everything says why', async (t) => {
    const hold = await host.cli('hold', '--until', '3d', '--reason', 'the fair');
    t.match(hold, { exitCode: 0, stderr: /on hold until \w+ [-\d]+ [:\d]+: the fair/ });
    t.match(
      await expectUpdate(t, host, 0),
      /held: .* on hold until .*: the fair[^]*next: .*resume/,
    );
    t.match(await host.cli('run', '--force'), { exitCode: 0, stderr: /on hold until/ });
    t.match((await host.cli('status')).stdout, /^held\ton hold until .*: the fair.*resume$/m);
    t.match((await host.cli('check')).stdout, /an update is waiting: .*on hold until/);
    t.same(await takePicture(host), before);
  });

  await t.test(
    'who is not there is reminded once a day, not at every run of the timer',
    async (t) => {
      const reminded = '/var/lib/orchestrator-update/reminded.json';
      await host.bash(`rm -f ${reminded}`);
      const auto = async (): Promise<string> => (await host.cli('run', '--auto')).stderr;
      t.match(await auto(), / warn held: .*on hold until/);
      t.match(await auto(), / info held: .*on hold until/);
      const { atMs, ...rest } = JSON.parse(await host.readFile(reminded)) as { atMs: number };
      const yesterday = { ...rest, atMs: atMs - 25 * 60 * 60 * 1000 };
      await host.writeFile(reminded, JSON.stringify(yesterday));
      t.match(await auto(), / warn held: /);
      t.match(await auto(), / info held: /);
      t.match((await host.cli('run')).stderr, / warn held: /, 'who asks is told');
      await host.writeFile(reminded, '{"about":');
      t.match(await auto(), / warn held: /, 'a damaged file counts for nothing');
    },
  );

  await t.test('a time that makes no sense changes nothing', async (t) => {
    const bad = await host.cli('hold', '--until', 'tomorrow');
    t.match(bad, { exitCode: 2, stderr: /--until tomorrow: a span .* is expected/ });
    t.match((await host.cli('status')).stdout, /the fair/, 'the hold that was there stays');
  });

  await t.test('resume, and the next run goes on', async (t) => {
    t.match(await host.cli('resume', '--json'), { exitCode: 0, stdout: /"reason": "the fair"/ });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
    t.match((await host.cli('resume')).stderr, /were not on hold/);
  });
});

await t.test('fifty starts at the same time: one runs, the others say so', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const next = await host.pushCluster({ tag: 'v2' });
  const script = [
    'for i in $(seq 50); do',
    '  (orchestrator-update run >/tmp/run.$i 2>&1; echo $? >/tmp/code.$i) &',
    'done; wait; cat /tmp/code.* | sort | uniq -c',
    'grep -l "verify the new release" /tmp/run.* | wc -l',
    'grep -l "another run is under way" /tmp/run.* | wc -l',
  ].join('\n');
  const { stdout } = await host.bash(script, { timeoutSeconds: 180 });
  const lines = stdout.split('\n').map((line) => line.trim());
  t.match(lines, ['1 0', '49 11', '1', '49'], 'one went through, the others have exit code 11');
  t.same(await versions(host), allAt('v2'));
  t.equal(await host.head(), next);
  t.match(await expectUpdate(t, host, 0), /nothing to do/);
});
