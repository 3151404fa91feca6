import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Command } from '../../src/argv/command.ts';
import type { PackageChange } from '../../src/core/engine-upgrade.ts';
import { createDnf } from '../../src/host/dnf.ts';
import { makeRpmRepository, makeRpmRoot, whyNoRpms } from '../support/rpm-world.ts';

const why = whyNoRpms();
const needsRpms = why === undefined ? {} : { skip: why };

const packages = [
  ...['28.5.1', '28.5.2'].map((version) => ({
    name: 'docker-ce',
    version,
    epoch: 3,
    requires: 'docker-ce-cli, containerd.io',
  })),
  {
    name: 'docker-ce',
    version: '29.3.0',
    epoch: 3,
    requires: 'docker-ce-cli, containerd.io >= 2.1.5, nftables',
  },
  ...['28.5.1', '28.5.2', '29.3.0'].map((version) => ({
    name: 'docker-ce-cli',
    version,
    epoch: 1,
  })),
  ...['1.7.28', '2.1.5'].map((version) => ({ name: 'containerd.io', version })),
  { name: 'nftables', version: '1.0.9', epoch: 1 },
  { name: 'firewalld', version: '2.1.2', requires: 'nftables' },
];

const upgrade: readonly PackageChange[] = [
  { name: 'containerd.io', from: '1.7.28-1.el9', to: '2.1.5-1.el9' },
  { name: 'docker-ce', from: '3:28.5.1-1.el9', to: '3:29.3.0-1.el9' },
  { name: 'docker-ce-cli', from: '1:28.5.1-1.el9', to: '1:29.3.0-1.el9' },
  { name: 'nftables', from: undefined, to: '1:1.0.9-1.el9' },
];
const engine = ['docker-ce', 'docker-ce-cli', 'containerd.io'];
const asOfOld = (more: object = {}) => ({
  'docker-ce': { version: '3:28.5.1-1.el9', candidate: '3:29.3.0-1.el9', ...more },
  'containerd.io': { version: '1.7.28-1.el9', candidate: '2.1.5-1.el9', ...more },
});

const repository = why === undefined ? await makeRpmRepository(t.testdir({}), packages) : undefined;

/** A host with the old engine of these packages. */
async function hostWithEngine(t: Test) {
  if (repository === undefined) throw new Error(why);
  const directory = t.testdir({});
  const world = await makeRpmRoot(directory, repository);
  const dnf = createDnf(world.run);
  const run = async (commands: readonly Command[]): Promise<void> => {
    for (const command of commands) await world.run(command);
  };
  const versions = { 'docker-ce': '28.5.1', 'docker-ce-cli': '28.5.1', 'containerd.io': '1.7.28' };
  const old = Object.entries(versions).map(([name, version]) => repository.file(name, version));
  await run(await dnf.files.install(old, []));
  const installed = async (names: readonly string[]) =>
    Object.fromEntries((await dnf.installed(names)).map(({ name, ...facts }) => [name, facts]));
  return { ...world, ...repository, directory, dnf, old, installed, act: run };
}

await t.test('an engine of rpms goes there and back', needsRpms, async (t) => {
  const host = await hostWithEngine(t);
  const { dnf, act, installed, run, directory } = host;
  t.match(await installed([...engine, 'runc']), asOfOld({ isHeld: false, isWhole: true }));
  t.same(await dnf.versions('docker-ce'), ['3:29.3.0-1.el9', '3:28.5.2-1.el9', '3:28.5.1-1.el9']);

  t.same(await dnf.held(engine), []);
  await dnf.hold(engine);
  await dnf.hold(engine);
  t.same(await dnf.held([...engine, 'nftables']), engine);
  t.match(await installed(engine), asOfOld({ isHeld: true }));
  const wishes = engine.map((name) => ({ name }));
  t.same(await dnf.simulate(wishes), upgrade, 'the lock is ours');
  t.same(
    await dnf.simulate([
      { name: 'docker-ce', version: '3:28.5.2-1.el9' },
      { name: 'docker-ce-cli', version: '1:28.5.2-1.el9' },
    ]),
    [
      { name: 'docker-ce', from: '3:28.5.1-1.el9', to: '3:28.5.2-1.el9' },
      { name: 'docker-ce-cli', from: '1:28.5.1-1.el9', to: '1:28.5.2-1.el9' },
    ],
  );
  t.match(await installed(engine), asOfOld(), 'nothing was done');
  await t.rejects(dnf.simulate([{ name: 'docker-ce', version: '3:99-1.el9' }]), /cannot do it/);

  const kept = join(directory, 'kept');
  mkdirSync(kept);
  const paths: string[] = [];
  for (const { name, to = '' } of upgrade) {
    await run(dnf.files.download({ name, version: to }), [], kept);
    const [, file = ''] = /^(?:\d+:)?(.*)$/.exec(to) ?? [];
    const path = join(
      kept,
      `${name}-${file}.${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.rpm`,
    );
    t.ok(dnf.files.mayBe(path.slice(kept.length + 1), name));
    t.match(await dnf.files.describe(path), { name, version: to });
    await dnf.files.verify(path);
    paths.push(path);
  }
  t.same(sorted(await dnf.files.simulate(paths, [])), sorted(upgrade));
  await act(await dnf.files.install(paths, []));
  await dnf.hold(engine);
  t.same(await dnf.simulate(wishes), [], 'nothing newer');
  t.same(await dnf.files.simulate(paths, []), [], 'done already');
  await act(await dnf.files.install(paths, []));
  const locks = readFileSync(host.locks, 'utf8');
  t.same(locks.match(/^docker-ce-\d.*$/gm), ['docker-ce-3:29.3.0-1.el9.*'], 'no old lock is left');

  const back = upgrade.map(({ name, from, to }) => ({ name, from: to, to: from }));
  t.same(sorted(await dnf.files.simulate(host.old, ['nftables'])), sorted(back));
  await act(await dnf.files.install(host.old, ['nftables']));
  await act(await dnf.files.install(host.old, ['nftables']));
  t.match(await installed(engine), asOfOld({ isWhole: true }));
  t.same(await installed(['nftables']), {});
  await dnf.unhold(engine);
  await dnf.unhold(engine);
  t.same(await dnf.held(engine), []);
  const seen = readFileSync(join(host.root, 'tmp/seen'), 'utf8').trim().split('\n');
  t.ok(seen.length > 6 && seen.every((line) => line.endsWith(' 1')), 'scriptlets see it');
});

await t.test('what others need by now is not taken from them', needsRpms, async (t) => {
  const { dnf, act, file, run, old } = await hostWithEngine(t);
  await act(await dnf.files.install([file('nftables', '1.0.9'), file('firewalld', '2.1.2')], []));
  t.same(await dnf.files.simulate(old, ['nftables']), [
    { name: 'nftables', from: '1:1.0.9-1.el9', to: undefined },
    { name: 'firewalld', from: '2.1.2-1.el9', to: undefined },
  ]);
  const remove = await dnf.files.install([], ['nftables']);
  await t.rejects(run(remove[0]!), /is needed by/);
});

await t.test('what was cut off is seen, and replaced', needsRpms, async (t) => {
  const { dnf, act, file, run, old, installed, root } = await hostWithEngine(t);
  t.equal(await dnf.unfinished(engine), undefined);
  writeFileSync(join(root, 'usr/bin/docker-ce'), '');
  rmSync(join(root, 'usr/bin/containerd.io'));
  t.match(await installed(engine), {
    'docker-ce': { isWhole: false },
    'docker-ce-cli': { isWhole: true },
    'containerd.io': { isWhole: false },
  });
  t.equal(await dnf.unfinished(['docker-ce']), 'docker-ce');
  t.same((await dnf.damaged([...engine, 'runc'])).toSorted(), ['containerd.io', 'docker-ce']);
  // The new one is there, and the old one not yet gone.
  const beside = ['--install', '--oldpackage', '--nodeps', file('docker-ce', '28.5.2')];
  await run({ file: 'rpm', args: [...beside, '--replacefiles'] });
  t.match(await installed(['docker-ce']), { 'docker-ce': { isWhole: false } });
  await act([dnf.files.force(old)]);
  t.equal(await dnf.unfinished(engine), undefined);
  t.match(await installed(['docker-ce']), { 'docker-ce': { version: '3:28.5.1-1.el9' } });
});

await t.test('a file that is damaged, or signed by nobody', needsRpms, async (t) => {
  const { dnf, file, run, directory } = await hostWithEngine(t);
  const path = join(directory, 'docker-ce-1.rpm');
  copyFileSync(file('docker-ce', '29.3.0'), path);
  await dnf.files.verify(path);
  await run({ file: 'rpmsign', args: ['--delsign', path] });
  await t.rejects(dnf.files.verify(path), /SIGNATURES NOT OK/);
  copyFileSync(file('docker-ce', '29.3.0'), path);
  appendFileSync(path, 'x');
  await t.rejects(dnf.files.verify(path));
  writeFileSync(path, 'x');
  await t.rejects(dnf.files.verify(path));
  t.equal(await dnf.files.describe(path), undefined);
});

function sorted(changes: readonly PackageChange[]): PackageChange[] {
  return changes.toSorted((left, right) => left.name.localeCompare(right.name));
}
