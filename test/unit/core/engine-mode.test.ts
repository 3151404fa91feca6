import t from 'tap';
import { changesIn, versionsIn } from '../../../src/core/apt.ts';
import { decide, isCheckDue, upgradeText } from '../../../src/core/engine-mode.ts';

const HOUR_MS = 3_600_000;

await t.test('what the timer does about what can be had', async (t) => {
  const major = [{ name: 'docker.io', from: '26.1.5-1', to: '28.5.2-1' }];
  const security = [{ ...major[0]!, isSecurity: true as const }];
  const patch = [{ name: 'docker-ce', from: '5:28.5.1-1~debian', to: '5:28.5.2-1~debian' }];
  const minor = [{ name: 'docker-ce', from: '5:28.4.0-1', to: '5:28.5.2-1' }];
  t.equal(decide('off', major), 'nothing');
  t.equal(decide('auto', []), 'nothing');
  t.equal(decide('notify', security), 'tell');
  t.equal(decide('security', major), 'tell');
  t.equal(decide('security', security), 'upgrade');
  t.equal(decide('security', patch), 'upgrade');
  t.equal(decide('security', minor), 'tell');
  const containerd = { name: 'containerd.io', from: '1.7.28-1', to: '2.1.5-1' };
  t.equal(decide('security', [...patch, containerd]), 'tell', 'not under the cover of a patch');
  t.equal(decide('security', [...security, ...major]), 'tell');
  t.equal(decide('auto', major), 'upgrade');
  t.equal(
    upgradeText([{ name: 'runc', from: '1', to: '2' }, ...major]),
    'docker.io 26.1.5-1 → 28.5.2-1 and 1 more packages',
  );
});

await t.test('when it looks', async (t) => {
  const nowMs = 1000 * HOUR_MS;
  const at = (hoursAgo: number, isWaiting = false) => ({
    atMs: nowMs - hoursAgo * HOUR_MS,
    isWaiting,
  });
  const open = { nowMs, isOpen: true };
  t.equal(isCheckDue('notify', undefined, open), true);
  t.equal(isCheckDue('off', undefined, open), false);
  t.equal(isCheckDue('notify', at(19), open), false);
  t.equal(isCheckDue('notify', at(21), open), true);
  t.equal(isCheckDue('auto', at(2, true), open), true, 'its window has opened');
  t.equal(isCheckDue('auto', at(2, true), { nowMs, isOpen: false }), false);
  t.equal(isCheckDue('auto', at(0.5, true), open), false);
  t.equal(isCheckDue('auto', at(-5), open), true, 'the clock was set back');
});

await t.test('what apt says of where it comes from', async (t) => {
  const said = [
    'Inst docker.io [26.1.5+dfsg1-9] (26.1.5+dfsg1-9+deb13u2 Debian-Security:13/stable-security [amd64])',
    'Inst runc [1.1.15] (1.3.6 Debian:unstable [amd64])',
    'Remv tini [0.19.0-3+b8]',
  ];
  t.same(changesIn(said.join('\n')), [
    { name: 'docker.io', from: '26.1.5+dfsg1-9', to: '26.1.5+dfsg1-9+deb13u2', isSecurity: true },
    { name: 'runc', from: '1.1.15', to: '1.3.6' },
    { name: 'tini', from: '0.19.0-3+b8', to: undefined },
  ]);
  const madison =
    ' docker.io | 28.5.2+dfsg4-5 | http://deb sid/main amd64 Packages\n docker.io | 26.1.5 | x';
  t.same(versionsIn(madison), ['28.5.2+dfsg4-5', '26.1.5']);
});
