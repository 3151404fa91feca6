import t from 'tap';
import type { ComposeModel, Service } from '../../../src/core/compose-model.ts';
import { hoursOf } from '../../../src/core/duration.ts';
import {
  badImageLabels,
  imagePolicies,
  type ImageDefaults,
} from '../../../src/core/image-policy.ts';
import { refuseBadLabels } from '../../../src/refusals.ts';

const defaults: ImageDefaults = { services: 'all', minimum_age_hours: 6, tags: 'semver:patch' };
const of = (service: Service, others: Partial<ImageDefaults> = {}): unknown =>
  imagePolicies({ services: { web: service } }, { ...defaults, ...others })['web'];
const labelled = (labels: Record<string, string>, image = 'nginx:1.27'): Service => ({
  image,
  labels,
});
const prefix = 'orchestrator-update.images.';

await t.test('what the configuration says holds, unless a label says otherwise', (t) => {
  t.same(of({ image: 'nginx:1.27' }), {
    follow: 'followed',
    reference: 'nginx:1.27',
    tags: { kind: 'semver', part: 'patch' },
    minimumAgeHours: 6,
  });
  const labels = {
    [`${prefix}monitor-only`]: 'true',
    [`${prefix}minimum-age`]: '3d',
    [`${prefix}tags`]: 'regex:^1\\.\\d+$',
  };
  t.same(of(labelled(labels)), {
    follow: 'monitored',
    reference: 'nginx:1.27',
    tags: { kind: 'regex', pattern: '^1\\.\\d+$' },
    minimumAgeHours: 72,
  });
  t.match(of(labelled({ [`${prefix}monitor-only`]: 'false' })), { follow: 'followed' });
  t.end();
});

await t.test('what is not followed says why', (t) => {
  const no = (service: Service, why: RegExp, others: Partial<ImageDefaults> = {}): void =>
    void t.match(of(service, others), { follow: 'not', why });
  const digest = `sha256:${'a'.repeat(64)}`;
  no({ image: 'app:1', build: { context: '.' } }, /built here/);
  no({ build: {} }, /built here/);
  no({}, /no image/);
  no({ image: `nginx:1.27@${digest}` }, /names its digest/);
  no({ image: `nginx@${digest}` }, /names its digest/);
  no({ image: 'nginx:1.27', pull_policy: 'never' }, /pull_policy/);
  no(labelled({ [`${prefix}enable`]: 'false' }), /its label orchestrator-update.images.enable/);
  no({ image: 'nginx' }, /images.services is labelled/, { services: 'labelled' });
  for (const image of [
    '../../etc:1',
    'a b:1',
    'reg.lab/a/../b:1',
    'x:1/../..',
    'nginx:-1',
    'A?b=c:1',
  ]) {
    no({ image }, /none of a registry/);
  }
  t.match(of(labelled({ [`${prefix}enable`]: 'true' }), { services: 'labelled' }), {
    follow: 'followed',
  });
  const good = [
    'nginx',
    'docker.io/library/nginx',
    'reg.lab:5000/team/a__b/c-d.e:1_2.3-4',
    '[::1]:5000/x',
  ];
  t.same(
    good.filter((image) => !JSON.stringify(of({ image })).includes('"followed"')),
    ['[::1]:5000/x'],
  );
  t.end();
});

await t.test('a label that makes no sense is an error with its service and value', (t) => {
  const model: ComposeModel = {
    services: {
      web: labelled({
        [`${prefix}enable`]: 'yes',
        [`${prefix}minimum-age`]: '3 weeks',
        [`${prefix}tags`]: 'semver:all',
        [`${prefix}monitor_only`]: 'true',
      }),
      good: labelled({ [`${prefix}enable`]: 'true', 'com.example.images.tags': 'x' }),
    },
  };
  t.same(
    badImageLabels(model).map(({ service, label, value }) => [service, label, value]),
    [
      ['web', `${prefix}enable`, 'yes'],
      ['web', `${prefix}minimum-age`, '3 weeks'],
      ['web', `${prefix}tags`, 'semver:all'],
      ['web', `${prefix}monitor_only`, 'true'],
    ],
  );
  t.throws(() => refuseBadLabels(model, 'c'), {
    message: `the label ${prefix}enable of service web makes no sense: yes`,
  });
  t.end();
});

await t.test('spans', (t) => {
  t.same(['90m', '36h', ' 3d ', '2w'].map(hoursOf), [1.5, 36, 72, 336]);
  t.same(
    ['', '3', 'h', '1.5h', '-1h', '1y', '3d4h', '9999999h'].map(hoursOf),
    Array(8).fill(undefined),
  );
  t.end();
});
