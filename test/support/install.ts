import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { Test } from 'tap';

const project = resolve(import.meta.dirname, '../..');

/** A host under DESTDIR whose systemctl only writes down what it is told. */
export async function setup(t: Test) {
  const dir = t.testdir({
    bin: {
      systemctl:
        '#!/bin/sh\necho "$*" >>"$FAKE_CALLS"\n[ "$1" != is-active ] || echo "${FAKE_STATE:-inactive}"\n',
      docker:
        '#!/bin/sh\ncase "$*" in *config*) printf \'{\\n  "name": "from-compose"\\n}\\n\' ;; esac\n',
      runuser: '#!/bin/sh\nshift 3\nexec "$@"\n',
      rsync: '#!/bin/sh\n',
    },
    host: { run: { systemd: { system: {} } } },
    calls: '',
    source: {
      dist: {
        'main.js': '',
        'koffi.node': '',
        VERSION: '1.0.0\n',
        bin: { node: '#!/bin/sh\necho v24\n' },
        share: Object.fromEntries(
          ['8', 'bash', 'zsh', 'fish'].map((ending) => [`orchestrator-update.${ending}`, ending]),
        ),
      },
    },
    cluster: { autonomy: {} },
  });
  for (const name of ['systemctl', 'docker', 'runuser', 'rsync']) {
    chmodSync(join(dir, 'bin', name), 0o755);
  }
  chmodSync(join(dir, 'source/dist/bin/node'), 0o755);
  mkdirSync(join(dir, 'host/usr'), { recursive: true });
  await execa('cp', ['-R', join(project, 'install'), join(project, 'systemd'), `${dir}/source`]);
  await execa('git', ['init', '--quiet', join(dir, 'cluster')]);

  const cluster = join(dir, 'cluster');
  const install = (args: readonly string[], env: Record<string, string> = {}) =>
    execa(join(dir, 'source/install/install_update_service.sh'), ['--root', cluster, ...args], {
      reject: false,
      env: {
        PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
        DESTDIR: join(dir, 'host'),
        FAKE_CALLS: join(dir, 'calls'),
        ...env,
      },
    });
  const host = (path: string) => join(dir, 'host', path);
  const text = (path: string) => readFileSync(host(path), 'utf8');
  const calls = () => readFileSync(join(dir, 'calls'), 'utf8').split('\n');
  return { dir, cluster, install, host, text, calls };
}
