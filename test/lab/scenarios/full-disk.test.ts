import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, expectUpdate, startAndMeet, waitUntilIdle } from '../picture.ts';

/** Where the disk fills up, as the journal of a run says it. */
const moments = [
  /keep \d images for a rollback/,
  /back up to/,
  /check out [0-9a-f]+/,
  /apply knowledge/,
  /verify the new release/,
];

const fillers = ['/var/tmp/fill', '/var/tmp/rest'];
/** What is left after the first, root's own share included, is written full. */
const fill = `fallocate -l "$(df --output=avail -B1 / | tail -n 1)" ${fillers[0]}; dd if=/dev/zero of=${fillers[1]} bs=4k; true`;

await t.test('a disk that is full, at each step', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  const tags = ['v1', 'v2', 'v3', 'v4'];
  let now = 0;
  for (const moment of moments) {
    await t.test(String(moment), async (t) => {
      const [from, to] = [tags[now % 4] ?? '', tags[(now + 1) % 4] ?? ''];
      await host.pushCluster({ tag: to });
      await startAndMeet(host, moment);
      await host.bash(fill);
      await waitUntilIdle(host);
      const { exitStatus } = await host.unit();
      t.not(exitStatus, 13, 'no person is needed');
      await host.run('rm', ['-f', ...fillers], { reject: true });
      const rested = await tagsOf(host);
      t.equal(rested.size, 1, `one whole release: ${[...rested].join(', ')}`);
      t.ok([from, to].some((tag) => rested.has(tag)));
      // Whatever came of it: with room again, the next run is a normal one.
      const { exitCode, stderr } = await host.cli('run');
      t.equal(exitCode, 0, stderr);
      if (!t.same(await tagsOf(host), new Set([to])))
        t.comment(`${await host.journal()}\n${stderr}`);
      now += 1;
    });
  }
});

await t.test(
  'a disk that turned read-only: an error that says so, and nothing is touched',
  async (t) => {
    const host = await startInstalled();
    t.teardown(() => host.destroy());
    await expectUpdate(t, host, 0);
    await host.pushCluster({ tag: 'v2' });
    const bind = 'mount --bind /var/lib/orchestrator-update /var/lib/orchestrator-update';
    const readOnly = `${bind} && mount -o remount,ro,bind /var/lib/orchestrator-update`;
    await host.bash(readOnly, { reject: true });
    const { exitCode, stderr } = await host.cli('run');
    t.not(exitCode, 0);
    t.match(stderr, /read-only|EROFS/);
    t.same(await versions(host), allAt('v1'));
    await host.bash('umount /var/lib/orchestrator-update', { reject: true });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
  },
);

/** Which releases the containers are of. What they serve does not tell: they wrote that to the full disk. */
async function tagsOf(host: InstalledHost): Promise<ReadonlySet<string>> {
  const containers = await host.containers();
  return new Set(containers.map(({ image }) => image.split(':').at(-1) ?? ''));
}
