import t from 'tap';
import { blamesDisk, blamesRoot, damagedDatabase } from '../../../src/core/engine-databases.ts';

const failed = (why: string): string =>
  `level=info msg="Starting up"\nfailed to start daemon: ${why}\nMain process exited`;

const plugin = (why: string): string =>
  `starting containerd\nlevel=warning msg="failed to load plugin" error="${why}" id=io.containerd.metadata.v1.bolt`;

await t.test('what dockerd says of a database that keeps it from starting', async (t) => {
  const controller = 'Error initializing network controller: error obtaining controller instance';
  t.equal(damagedDatabase(failed(`${controller}: invalid database`), ''), 'networks');
  t.equal(
    damagedDatabase(
      failed('error while opening volume store metadata database: invalid database'),
      '',
    ),
    'volumes',
  );
  t.equal(
    damagedDatabase(failed('error while opening volume store metadata database: timeout'), ''),
    undefined,
    'another dockerd has it',
  );
  const missing = failed(
    'rpc error: code = Unimplemented desc = unknown service containerd.services.namespaces.v1.Namespaces: not implemented',
  );
  t.equal(damagedDatabase(missing, plugin('invalid database')), 'containerd');
  t.equal(damagedDatabase(missing, plugin('no space left on device')), undefined);
  t.equal(
    damagedDatabase(missing, `${plugin('invalid database')}\nstarting containerd`),
    undefined,
  );
  t.equal(damagedDatabase(failed(`${controller}: no available network`), ''), undefined);
  t.equal(damagedDatabase('level=error msg="invalid database"', ''), undefined);
  t.equal(
    damagedDatabase(`${failed(`${controller}: invalid database`)}\n${failed('port in use')}`, ''),
    undefined,
    'what it said last counts',
  );
  t.equal(
    damagedDatabase(`${failed(`${controller}: invalid database`)}\nStarted docker.service`, ''),
    undefined,
    'and only of the last start',
  );
});

const says = (why: string): boolean =>
  blamesRoot(`Starting docker.service\nfailed to start daemon: ${why}`, '/var/lib/docker');

await t.test(
  'what dockerd keeps is at fault only where it says so, and nothing else is',
  async (t) => {
    t.ok(says('mkdir /var/lib/docker/image/overlay2: not a directory'));
    t.ok(says('error initializing graphdriver: open x: invalid argument'));
    for (const other of [
      'mkdir /var/lib/docker/tmp: no space left on device',
      'open /var/lib/docker/tmp: read-only file system',
      'open /var/lib/docker/volumes: input/output error',
      'opening (/var/lib/docker/volumes/metadata.db): timeout',
      'error initializing graphdriver: driver not supported',
      'mkdir /run/docker/x: not a directory',
    ]) {
      t.notOk(says(other), other);
    }
    t.notOk(blamesRoot('Daemon has completed initialization', '/var/lib/docker'));
  },
);

await t.test('a disk that is full is the one that Docker keeps everything on', async (t) => {
  const failed = 'failed to start daemon: mkdir ';
  t.ok(blamesDisk(`${failed}/var/lib/docker/tmp: no space left on device`, '/var/lib/docker'));
  t.notOk(blamesDisk(`${failed}/run/docker/x: read-only file system`, '/var/lib/docker'));
});
