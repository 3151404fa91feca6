import t from 'tap';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, backupsOf, expectUpdate, expectWhole, startAndMeet } from '../picture.ts';

await t.test('the host goes away in the middle of an update', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  await t.test('a clean reboot: the old release is back before the host goes down', async (t) => {
    const old = await host.head();
    await host.pushCluster({ tag: 'v2' });
    const bootId = await bootIdOf(host);
    await startAndMeet(host, /verify the new release/);
    await host.bash('systemctl reboot');
    await waitForBoot(host, bootId);
    await expectWhole(t, host, { [old]: 'v1' });
    t.equal(await host.head(), old, 'the shutdown waited for the rollback');
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
  });

  await t.test('a power cut while it is verified', async (t) => {
    const old = await host.head();
    const next = await host.pushCluster({ tag: 'v3' });
    await startAndMeet(host, /verify the new release/);
    await host.powerCut();
    await host.boot();
    await expectWhole(t, host, { [old]: 'v2', [next]: 'v3' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'));
    t.equal(await host.head(), next);
  });

  await t.test('a power cut while it is applied, unsynced files lost', async (t) => {
    const old = await host.head();
    const next = await host.pushCluster({ tag: 'v4' });
    await startAndMeet(host, /apply (knowledge|neurosync_s1)/);
    await host.cutUnsynced();
    await host.boot();
    await expectWhole(t, host, { [old]: 'v3', [next]: 'v4' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v4'));
    t.equal(await host.head(), next);
  });

  await t.test('a power cut during the backup: nothing was touched', async (t) => {
    const old = await host.head();
    await host.bash('head -c 400000000 /dev/urandom >autonomy/recording.bin; sync', {
      user: 'geo',
      cwd: host.workTree,
    });
    const next = await host.pushCluster({ tag: 'v1' });
    await startAndMeet(host, /back up to/);
    await host.powerCut();
    await host.boot();
    await expectWhole(t, host, { [old]: 'v4' });
    t.equal(await host.head(), old);
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v1'));
    t.equal(await host.head(), next);
    t.same(
      (await backupsOf(host)).filter((name) => name.startsWith('.')),
      [],
      'no partial backup is left',
    );
  });
});

async function bootIdOf(host: InstalledHost): Promise<string> {
  return (await host.isOn()) ? (await host.bash('ps -o lstart= -p 1')).stdout : '';
}

/** Returns when the host is on again and its Docker answers. */
async function waitForBoot(host: InstalledHost, before: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const now = await bootIdOf(host).catch(() => '');
    if (now !== '' && now !== before) return host.waitHealthy();
    await new Promise((resolve) => void setTimeout(resolve, 200));
  }
  throw new Error(`${host.name} did not come back`);
}
