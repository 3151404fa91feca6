import t, { type Test } from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, expectRefusal, expectUpdate } from '../picture.ts';

/** Seconds the updater waits for an answer in the second scenario. */
const REMOTE_SECONDS = 5;

await t.test('an unreachable remote is a clean failure, and the next run is fine', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const next = await host.pushCluster({ tag: 'v2' });

  await host.unplug();
  const said = await expectRefusal(t, host);
  t.match(said, /git\.lab|origin/, 'the message says which remote');
  t.match(said, /Could not resolve|unreachable|No route|cannot be read/i, 'and what is wrong');
  t.match(said, /next: /);
  await host.plug();
  await host.waitHealthy();
  t.same(await versions(host), allAt('v1'));

  await expectUpdate(t, host, 0);
  t.same(await versions(host), allAt('v2'));
  t.equal(await host.head(), next);

  // From now on most runs end after one question; that one fails as cleanly.
  await host.unplug();
  t.match(await expectRefusal(t, host), /the remote origin of .* cannot be read/);
  await host.plug();
  t.match(await expectUpdate(t, host, 0), /nothing to do/);
});

await t.test('a remote that never answers ends within the time-out', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const path = '/etc/orchestrator-update/update_config.yaml';
  const text = await host.readFile(path);
  const limits = `timeouts:\n  remote_seconds: ${REMOTE_SECONDS}\n  git_seconds: ${REMOTE_SECONDS}\n`;
  await host.writeFile(path, `${text}\n${limits}`, { mode: '0600' });
  await host.pushCluster({ tag: 'v2' });

  /** What a start says that meets a remote without an answer. */
  const hang = async (t: Test): Promise<string> => {
    await host.blackhole(true);
    const startedAt = performance.now();
    const said = await expectRefusal(t, host);
    const seconds = (performance.now() - startedAt) / 1000;
    t.ok(seconds < REMOTE_SECONDS + 8, `it took ${seconds.toFixed(1)} s`);
    t.match(said, /next: /);
    await host.blackhole(false);
    await host.waitHealthy();
    return said;
  };

  // A first run fetches; a later one asks for the tip and nothing else.
  t.match(await hang(t), /git fetch .*: printed nothing for 5 s and was ended/);
  t.same(await versions(host), allAt('v1'));
  await expectUpdate(t, host, 0);
  t.same(await versions(host), allAt('v2'));
  t.match(await hang(t), /the remote origin of .* cannot be read: no answer within 5 s/);
});
