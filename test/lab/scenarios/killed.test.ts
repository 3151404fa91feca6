import t, { type Test } from 'tap';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import {
  activeFile,
  allAt,
  backupsOf,
  expectUpdate,
  hasFile,
  journalEnd,
  takePicture,
  waitForJournal,
  waitUntilClosed,
} from '../picture.ts';

const unit = 'orchestrator-update.service';

/** A service that takes its time to stop: replacing it takes long enough to be met at it. */
const slowToStop = { tag: 'v1', stopDelaySeconds: 4 };

await t.test('kill -9 of the updater: the start returns with a whole release', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster({ services: { knowledge: slowToStop } });
  await expectUpdate(t, host, 0);

  const killAt = async (t: Test, pattern: RegExp): Promise<string> => {
    const since = await journalEnd(host);
    const run = host.update();
    await waitForJournal(host, pattern, { since });
    await host.run('systemctl', ['kill', '--signal=KILL', '--kill-whom=main', unit], {
      reject: true,
    });
    t.equal((await run).exitCode, 0, 'systemctl start, which waited, succeeds');
    t.notOk(await hasFile(host, activeFile), 'no transaction is open');
    return (await host.journal()).slice(since);
  };

  await t.test('while it is applied: taken back, and taken again', async (t) => {
    const next = await host.pushCluster({ tag: 'v2' });
    const said = await killAt(t, /apply knowledge/);
    t.match(said, /an earlier run was cut off in APPLYING; the host is MIXED: roll back/);
    t.same(await versions(host), allAt('v2'));
    t.equal(await host.head(), next);
    t.same(namesOf(await host.containers()), [
      'autonomy-orchestrator',
      'knowledge',
      'neurosync_s1',
    ]);
  });

  await t.test('while it is verified: the gate is passed again', async (t) => {
    const next = await host.pushCluster({ tag: 'v3' });
    const said = await killAt(t, /verify the new release/);
    t.match(said, /cut off in VERIFYING; the host is NEW: verify new/);
    t.same(await versions(host), allAt('v3'));
    t.equal(await host.head(), next);
  });

  await t.test('while it prepares: nothing was touched, and it starts over', async (t) => {
    await host.bash('head -c 300000000 /dev/urandom >autonomy/recording.bin', {
      user: 'geo',
      cwd: host.workTree,
    });
    const next = await host.pushCluster({ tag: 'v4' });
    const said = await killAt(t, /back up to/);
    t.match(said, /cut off in PREPARING; the host is OLD: abort/);
    t.same(await versions(host), allAt('v4'));
    t.equal(await host.head(), next);
    const partial = (await backupsOf(host)).filter((name) => name.startsWith('.'));
    t.same(partial, [], 'no partial backup is left');
  });

  await t.test('nothing is left to do', async (t) => {
    const picture = await takePicture(host);
    t.match(await expectUpdate(t, host, 0), /nothing to do/);
    t.same(await takePicture(host), picture);
  });
});

await t.test('kill -9 of a run from a shell, which nobody restarts: recover ends it', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const before = await host.head();
  // A shell's run has nobody who restarts it.
  await host.pushCluster({ tag: 'v2' });
  const run = host.cli('run');
  await host.bash(
    `until grep -qs VERIFYING /var/lib/orchestrator-update/transactions/*/journal; do sleep 0.1; done`,
    {
      timeoutSeconds: 60,
      reject: true,
    },
  );
  await host.bash(
    'kill -9 $(sed -E "s/.*\\"pid\\":([0-9]+).*/\\1/" /var/lib/orchestrator-update/lock)',
    {
      reject: true,
    },
  );
  t.not((await run).exitCode, 0);
  t.ok(await hasFile(host, activeFile), 'the transaction is open');
  t.match((await host.cli('status')).stdout, /under way/);
  const { exitCode, stderr } = await host.cli('recover');
  t.equal(exitCode, 0);
  t.match(stderr, /cut off in VERIFYING; the host is NEW: verify new[\s\S]*and verified/);
  t.match((await host.cli('check')).stdout, /up to date/);
  t.same(await versions(host), allAt('v2'));
  t.not(await host.head(), before);
  t.equal((await host.cli('recover')).exitCode, 0, 'again: nothing to recover');
  await waitUntilClosed(host, 1);
});

function namesOf(containers: Awaited<ReturnType<InstalledHost['containers']>>): string[] {
  return containers.map(({ name }) => name).toSorted();
}

/** A run from a shell, killed while its compose waits for the old container to stop. Resolves to its pid. */
async function killWhileReplacing(host: InstalledHost): Promise<string> {
  const started = `setsid orchestrator-update run >/root/run.log 2>&1 </dev/null & echo $!`;
  const pid = (await host.bash(started, { reject: true })).stdout.trim();
  // Compose has made the new container and waits for the old one to stop: it would not notice before it
  // prints something that nobody reads its output any more.
  const isReplacing = "docker ps --all --format '{{.Names}}' | grep -qE '^[0-9a-f]{12}_'";
  const untilApplied = `until ${isReplacing}; do sleep 0.05; done`;
  await host.bash(untilApplied, { reject: true, timeoutSeconds: 60 });
  await host.bash(`kill -9 ${pid}`, { reject: true });
  return pid;
}

await t.test('kill -9 of a run from a shell, and its compose goes on', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const config = '/etc/orchestrator-update/update_config.yaml';
  const usual = await host.readFile(config);
  const limits = 'timeouts:\n  compose_seconds: 20\n';
  await host.writeFile(config, `${usual}\n${limits}`, { mode: '0600', owner: 'root:root' });
  await host.pushCluster({ services: { knowledge: slowToStop } });
  await expectUpdate(t, host, 0);

  await t.test('nobody begins before it has ended', async (t) => {
    await host.pushCluster({ tag: 'v2', services: { knowledge: { ...slowToStop, tag: 'v2' } } });
    const pid = await killWhileReplacing(host);
    const { exitCode, stderr } = await host.cli('run');
    t.equal(exitCode, 11);
    const killed = `a run was killed \\(process ${pid}\\), and what it had started goes on`;
    t.match(stderr, new RegExp(killed));
    t.match(stderr, /docker-compose \(process \d+\)/);
    t.match(stderr, /next: try again when it has ended; .* ps -o pid,etime,args -p [\d,]+/);

    await host.bash('while pgrep -x docker-compose; do sleep 0.1; done', { timeoutSeconds: 60 });
    await expectUpdate(t, host, 0);
    t.match(await host.journal(), /an earlier run was cut off in APPLYING/);
    t.same(await versions(host), allAt('v2'));
  });

  await t.test('where it hangs, too, it is ended in its time; the unit says so', async (t) => {
    await host.pushCluster({ tag: 'v3' });
    const pid = await killWhileReplacing(host);
    await host.bash('kill -STOP $(pgrep -x docker-compose)', { reject: true });
    const since = await journalEnd(host);
    t.not((await host.update()).exitCode, 0);
    const said = (await host.journal()).slice(since);
    t.match(said, new RegExp(`a run was killed \\(process ${pid}\\), and what it had started`));
    t.match(said, /next: try again when it has ended; .*: fuser -v .*\/lock\.children/);
    // 20 s, 15 for the run to end it itself, 10 between SIGTERM and SIGKILL.
    await host.bash('while pgrep -x docker-compose; do sleep 0.1; done', {
      timeoutSeconds: 60,
      reject: true,
    });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'));
  });
});
