import t from 'tap';
import { parseImageReference, registryOf } from '../../../src/core/image-reference.ts';

const parts = (reference: string) => Object.values(parseImageReference(reference));

await t.test('name, tag and digest', async (t) => {
  t.same(parts('web'), ['web', 'latest', undefined]);
  t.same(parts('web:1'), ['web', '1', undefined]);
  t.same(parts('reg:5000/team/web'), ['reg:5000/team/web', 'latest', undefined]);
  t.same(parts('reg:5000/web:1@sha256:abc'), ['reg:5000/web', '1', 'sha256:abc']);
  t.same(parts('reg:5000/web@sha256:abc'), ['reg:5000/web', undefined, 'sha256:abc']);
});

await t.test('the registry, Docker Hub where none is named', async (t) => {
  const expected: Record<string, string> = {
    web: 'docker.io',
    'web:1.2': 'docker.io',
    'team/web': 'docker.io',
    'docker.io/team/web': 'docker.io',
    'index.docker.io/team/web': 'docker.io',
    'localhost/web': 'localhost',
    'reg:5000/web:1': 'reg:5000',
    'ghcr.io/team/web@sha256:abc': 'ghcr.io',
  };
  for (const [reference, registry] of Object.entries(expected)) {
    t.equal(registryOf(reference), registry, reference);
  }
});
