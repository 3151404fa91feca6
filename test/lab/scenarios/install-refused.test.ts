import t from 'tap';
import { filesOf, identities } from '../cluster-view.ts';
import { startHost } from '../lab-host.ts';

const installer = '/opt/updater/install/install_update_service.sh';

type Refusal = {
  title: string;
  args?: string[];
  user?: string;
  /** Moved away while the installer runs. */
  missing?: string;
  exitCode: 1 | 2;
  says: RegExp;
};

const refusals: readonly Refusal[] = [
  {
    title: 'an unknown flag',
    args: ['--frobnicate'],
    exitCode: 2,
    says: /unknown option --frobnicate\n {2}do: {2}\S+ --help/,
  },
  {
    title: 'a value out of range',
    args: ['--keep', '0'],
    exitCode: 2,
    says: /--keep '0': a number from 1 to 1000 is expected/,
  },
  {
    title: 'a calendar systemd does not understand',
    args: ['--on-calendar', 'now and then'],
    exitCode: 2,
    says: /--on-calendar 'now and then': systemd does not understand it/,
  },
  {
    title: '--purge alone',
    args: ['--purge'],
    exitCode: 2,
    says: /--purge goes with --uninstall/,
  },
  {
    title: 'not root',
    user: 'geo',
    exitCode: 1,
    says: /not root\n {2}why: .*\n {2}do: {2}sudo /,
  },
  {
    title: 'no docker',
    missing: '/usr/bin/docker',
    exitCode: 1,
    says: /docker is not installed\n.*\n {2}do: {2}install Docker: https:/,
  },
  {
    title: 'no compose plugin',
    missing: '/usr/libexec/docker/cli-plugins/docker-compose',
    exitCode: 1,
    says: /docker compose does not work\n.*\n {2}do: {2}apt-get install docker-compose/,
  },
  {
    title: 'no git',
    missing: '/usr/bin/git',
    exitCode: 1,
    says: /git is not installed\n.*\n {2}do: {2}apt-get install git/,
  },
  {
    title: 'no git work tree',
    missing: '/home/geo/operation/.git',
    exitCode: 1,
    says: /no git work tree at \/home\/geo\/operation or \/home\/geo\/operation\/autonomy\n.*\n {2}do: .*git clone/,
  },
  {
    title: 'no project directory',
    args: ['--root', '/srv/robot'],
    exitCode: 1,
    says: /the project directory \/srv\/robot\/autonomy does not exist\n.*\n {2}do: .*--root DIR/,
  },
];

await t.test('where it cannot be installed, it says why and changes nothing', async (t) => {
  const host = await startHost();
  t.teardown(() => host.destroy());
  await host.copyRelease();
  // Where a user who is not root can read it too.
  await host.run('cp', ['-r', '/root/orchestrator-update', '/opt/updater'], { reject: true });
  const running = await identities(host);

  const before = await filesOf(host);
  for (const { title, args = [], user = 'root', missing, exitCode, says } of refusals) {
    await t.test(title, async (t) => {
      const move = async (from: string, to: string): Promise<void> => {
        if (missing !== undefined) await host.run('mv', [from, to], { reject: true });
      };
      await move(`${missing}`, `${missing}.away`);
      const result = await host.run(installer, args, { user });
      await move(`${missing}.away`, `${missing}`);
      t.equal(result.exitCode, exitCode);
      t.match(result.stderr, says);
      t.equal(result.stdout, '', 'nothing else is said');
      t.same(await filesOf(host), before, 'nothing was changed');
    });
  }

  await t.test('the disk is full', async (t) => {
    const filler = await host.fillDisk('/srv', 100 * 1024 * 1024);
    const result = await host.run(installer);
    await host.run('rm', [filler], { reject: true });
    t.equal(result.exitCode, 1);
    t.match(
      result.stderr,
      /only \d+ MB free at \/usr\/local\n.*up to 250 MB\n {2}do: {2}free some/,
    );
    t.same(await filesOf(host), before, 'nothing was changed');
  });

  t.same(await identities(host), running, 'the cluster ran all the time');
  const now = await host.run(installer, ['--no-timer'], {
    timeoutSeconds: 120,
  });
  t.equal(now.exitCode, 0, 'and with everything there it is installed');
});
