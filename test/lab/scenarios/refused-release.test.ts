import t from 'tap';
import { composeFile } from '../cluster.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, backupsOf, expectRefusal, expectUpdate } from '../picture.ts';

const asGeo = { user: 'geo', reject: true };

await t.test('a release that cannot be right is refused, and nothing is touched', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());

  await t.test('invalid YAML: the message names the file and what compose said', async (t) => {
    const text = composeFile().replace('services:', 'services: [');
    await host.pushRelease({ message: 'Broken', files: { 'docker-compose.yml': text } });
    const said = await expectRefusal(t, host);
    t.match(said, /docker compose cannot read the release/);
    t.match(said, /\/home\/geo\/operation\/autonomy\/docker-compose\.yml/);
    t.match(said, /yaml|line \d+/i);
    t.match(said, /next: mend the compose project on branch embody-alpha/);
  });

  await t.test('YAML that is no compose model: the message names the key', async (t) => {
    await host.pushCluster({ services: { knowledge: { extra: { imagee: 'nonsense' } } } });
    t.match(await expectRefusal(t, host), /services\.knowledge.*imagee/);
  });

  await t.test('an image that does not exist: named, and no backup is made', async (t) => {
    await host.pushCluster({
      services: { orchestrator: { tag: 'v2' }, neurosync_s1: { tag: 'v99' } },
    });
    const said = await expectRefusal(t, host);
    t.match(said, /registry\.lab:5000\/neurosync_s1:v99/);
    t.match(said, /not found|manifest unknown/);
    t.match(said, /next: /);
  });

  await t.test('a port that a stranger has: port and service are named', async (t) => {
    await holdPort(host, 8300);
    await host.pushCluster({ services: { reporter: {} } });
    const said = await expectRefusal(t, host);
    t.match(said, /service reporter wants port 8300\/tcp of this host/);
    t.match(said, /next: ss -lnp/);
    // The same release is taken as soon as the port is free: nobody is quarantined for it.
    await host.run('systemctl', ['stop', 'stranger'], { reject: true });
    await expectUpdate(t, host, 0);
    t.match(await host.served(8300), { service: 'reporter', version: 'v1' });
  });
});

await t.test('a work tree or a branch that is not as it should be', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const first = await host.head();

  await t.test('changed files: named, in a submodule too, and nothing is lost', async (t) => {
    await host.pushCluster({ tag: 'v2' });
    const edit = 'echo "# mine" >>README.md; echo "mine: 1" >>autonomy/config/app.yml';
    await host.bash(edit, { ...asGeo, cwd: host.workTree });
    const said = await expectRefusal(t, host);
    t.match(said, /changes that are not committed: .*README\.md/);
    t.match(said, /autonomy\/config\/app\.yml/);
    t.match(await host.readFile(`${host.workTree}/README.md`), /# mine/);
    t.match(await host.readFile(`${host.projectDir}/config/app.yml`), /mine: 1/);
    // One in the submodule alone is enough.
    await host.run('git', ['checkout', 'README.md'], { ...asGeo, cwd: host.workTree });
    t.match(await expectRefusal(t, host), /not committed: autonomy\/config\/app\.yml$/m);
    await host.run('git', ['checkout', 'app.yml'], {
      ...asGeo,
      cwd: `${host.projectDir}/config`,
    });
  });

  await t.test('a file of the operator where the release has one of its own', async (t) => {
    const path = `${host.workTree}/notes.txt`;
    await host.writeFile(path, 'mine\n', { owner: 'geo:geo' });
    const { deploy } = host.repositories;
    await deploy.push({ message: 'Notes', files: { 'notes.txt': 'theirs\n' } });
    t.match(await expectRefusal(t, host), /would be overwritten.*: notes\.txt/);
    t.equal(await host.readFile(path), 'mine\n');
    await host.run('rm', [path]);
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
    t.equal(await host.readFile(path), 'theirs\n');
  });

  await t.test('a branch that was pushed back to an older commit', async (t) => {
    const second = await host.head();
    await host.repositories.deploy.setHead(first);
    const said = await expectRefusal(t, host);
    t.match(said, /branch embody-alpha is at .*, which does not contain/);
    t.match(said, new RegExp(`next: .*rollback --to ${first.slice(0, 12)}`));
    t.same(await versions(host), allAt('v2'));
    await host.repositories.deploy.setHead(second);
  });

  await t.test('a branch with an unrelated history', async (t) => {
    const { deploy } = host.repositories;
    const second = await deploy.head();
    const files = { 'autonomy/docker-compose.yml': composeFile({ tag: 'v3' }) };
    await deploy.push({ message: 'Anew', files, base: null, force: true });
    t.match(await expectRefusal(t, host), /which does not contain/);
    t.same(await versions(host), allAt('v2'));
    await deploy.setHead(second);
    t.match(await expectUpdate(t, host, 0), /nothing to do/);
  });
});

await t.test('a disk too full for a backup', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  // Images come before the backup: there is room for them, and not for the reserve of 256 MB.
  const fill = await host.fillDisk('/var', 200e6);
  const next = await host.pushCluster({ tag: 'v2' });
  const said = await expectRefusal(t, host);
  t.match(
    said,
    /no room for this release: \d+ MB in \/var\/lib\/docker and \d+ MB in \/home\/geo\/operation\/backups needed/,
  );
  t.match(said, /next: make room/);
  t.same(await versions(host), allAt('v1'));

  await host.run('rm', [fill], { reject: true });
  await expectUpdate(t, host, 0);
  t.same(await versions(host), allAt('v2'));
  t.equal(await host.head(), next);
  t.equal((await backupsOf(host)).length, 1);
});

/** Somebody who is not the cluster listens on a port of the host. */
async function holdPort(host: InstalledHost, port: number): Promise<void> {
  const node = '/usr/local/lib/orchestrator-update/current/bin/node';
  const listen = `require('node:net').createServer().listen(${port}, () => console.log('listens'))`;
  await host.run('systemd-run', ['--unit=stranger', node, '-e', listen], { reject: true });
  await host.bash(`until ss -ltn 'sport = :${port}' | grep -q LISTEN; do sleep 0.1; done`, {
    timeoutSeconds: 10,
    reject: true,
  });
}
