import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { callsIn } from '../support/system-calls.ts';

type Wanted = readonly [name: string, args: RegExp];

const replaced = (name: string): readonly Wanted[] => [
  ['write', new RegExp(`${name}\\.new>`)],
  ['fsync', new RegExp(`${name}\\.new>`)],
  ['rename', new RegExp(`${name}\\.new", .*${name}"`)],
  ['fsync', /state(\/transactions\/T1)?>/],
];
const effect = (name: string): Wanted => ['execve', new RegExp(`"${name}"`)];

await t.test('every record is on the disk before what comes after it', async (t) => {
  const directory = t.testdir({ state: {} });
  const state = join(directory, 'state');
  const output = join(directory, 'trace');
  const program = join(import.meta.dirname, '../support/write-records.ts');
  const traced = 'write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,execve';
  const args = ['-f', '-y', '-s', '400', '-e', `trace=${traced}`, '-o', output];
  await execa('strace', [...args, process.execPath, program, state]);
  const calls = callsIn(readFileSync(output, 'utf8'));

  /** Asserts that these calls come in this order, from a place on; returns the place after the last. */
  const inOrder = (from: number, ...wanted: readonly Wanted[]): number => {
    let place = from;
    for (const [name, pattern] of wanted) {
      const found = calls.findIndex(
        (call, index) => index >= place && call.name.startsWith(name) && pattern.test(call.args),
      );
      const isThere = found >= 0;
      t.ok(isThere, `${name} ${pattern}`);
      if (!isThere) return place;
      place = found + 1;
    }
    return place;
  };
  let place = inOrder(0, ...replaced('material.json'), ...replaced('active'), effect('after-open'));
  place = inOrder(
    place,
    ['write', /journal>.*PREPARING/],
    ['fdatasync', /journal>/],
    // A file that is new has to be in its directory, too.
    ['fsync', /transactions\/T1>/],
    effect('after-first-line'),
  );
  place = inOrder(
    place,
    ['write', /journal>.*APPLYING/],
    ['fdatasync', /journal>/],
    effect('after-second-line'),
  );
  place = inOrder(place, ...replaced('deployed.json'), effect('after-deployed'));
  inOrder(place, ['unlink', /active"/], ['fsync', /state>/], effect('after-close'));
});
