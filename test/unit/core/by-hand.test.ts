import t from 'tap';
import { imagesOverride, restoreText, runScript } from '../../../src/core/by-hand.ts';

const facts = {
  name: 'B1',
  project: 'shop',
  projectPath: 'shop',
  commit: 'c',
  livePath: '/srv/shop',
  composeFiles: [],
  profiles: [],
  volumes: [],
  images: [
    {
      id: 'sha256:1',
      file: 'images/1.tar',
      services: ['one', 'two'],
      references: ['shop-one', "it's", 'by@sha256:d'],
    },
  ],
};

await t.test('the services of an image that is in the backup use that one', async (t) => {
  t.equal(
    imagesOverride(facts),
    `services:
  "one":
    image: "sha256:1"
    pull_policy: never
  "two":
    image: "sha256:1"
    pull_policy: never
`,
  );
  t.equal(imagesOverride({ ...facts, images: [] }), 'services: {}\n');
});

await t.test('it is loaded before anything is taken down', async (t) => {
  const lines = runScript(facts).split('\n');
  const load = lines.indexOf(`load 'sha256:1' 'images/1.tar' 'shop-one' 'it'\\''s'`);
  t.ok(load > 0, 'a digest is no name to give');
  t.ok(load < lines.indexOf('docker compose "$@" down'));
  t.ok(lines.includes('set -- "$@" --file "$backup/images.override.yaml"'));
  t.notMatch(runScript({ ...facts, images: [] }), /^load |images\.override/m);
});

await t.test('a person is told how', async (t) => {
  const text = restoreText(facts);
  t.match(text, /^ {4}sudo docker image load --input images\/1\.tar$/m);
  t.match(text, /^ {4}docker image tag sha256:1 shop-one$/m);
  t.notMatch(text, /docker image tag .*@/);
  t.match(text, /^ {4}sudo cp -a engine\/etc\/\. \/etc\/$/m);
  t.notMatch(restoreText({ ...facts, images: [] }), /image load/);
});
