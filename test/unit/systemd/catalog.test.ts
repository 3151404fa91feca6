import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { commands } from '../../../src/command-table.ts';
import { journalEvents, type Event } from '../../../src/core/events.ts';
import { journalFields } from '../../../src/host/log.ts';

const file = resolve(import.meta.dirname, '../../../systemd/orchestrator-update.catalog');
const text = readFileSync(file, 'utf8');
const ids = Object.values(journalEvents).map(({ id }) => id);

/** The entries by their ID: headers, and the body behind the empty line. */
const entries = new Map(
  text
    .split(/^-- /m)
    .slice(1)
    .map((entry) => {
      const [id = '', ...lines] = entry.split('\n');
      const end = lines.indexOf('');
      return [id, { headers: lines.slice(0, end), body: lines.slice(end + 1) }] as const;
    }),
);

await t.test('every event has one entry, every entry is of an event', async (t) => {
  t.same([...entries.keys()].toSorted(), ids.toSorted());
  t.equal(text.match(/^-- /gm)?.length, entries.size, 'none twice');
  t.equal(new Set(ids).size, ids.length);
  for (const id of ids) t.match(id, /^(?!0+$)[0-9a-f]{32}$/);
});

await t.test('an entry says what happened, what it means, what to type', async (t) => {
  for (const [id, { headers, body }] of entries) {
    const [subject = '', ...others] = headers;
    t.match(subject, /^Subject: \S.*\S$/, id);
    t.same(others, [
      'Defined-By: orchestrator-update',
      'Documentation: man:orchestrator-update(8)',
      'Documentation: file:/usr/local/lib/orchestrator-update/current/README.md',
    ]);
    const typed = body.filter((line) => line.startsWith('    '));
    t.ok(typed.length > 0, `${subject}: what to type`);
    t.ok(body.join('\n').split('\n\n').length >= 3, `${subject}: two paragraphs`);
    for (const line of body) {
      t.ok(line.length <= 76, line);
      t.notMatch(line, /^[#;]/, 'journalctl would leave it out');
    }
    for (const [, verb = ''] of typed.join('\n').matchAll(/orchestrator-update ([a-z]+)/g)) {
      t.ok(verb in commands, verb);
    }
  }
});

await t.test('an entry names only fields that are sent with its event', async (t) => {
  for (const [name, { id, sends }] of Object.entries<Event>(journalEvents)) {
    const { headers, body } = entries.get(id) ?? { headers: [], body: [] };
    const line = {
      level: 'info',
      message: 'm',
      fields: Object.fromEntries(sends.map((field) => [field, 'x'])),
    } as const;
    const sent = Object.keys(journalFields(line));
    for (const [, field = ''] of [...headers, ...body].join('\n').matchAll(/@([A-Z_]+)@/g)) {
      t.ok(sent.includes(field), `${name}: ${field}`);
    }
  }
});

const { exitCode } = await execa('journalctl', ['--version'], { reject: false });
const skip = exitCode === 0 ? false : 'no journalctl here: apt-get install systemd';

await t.test('the real journalctl compiles it', { skip }, async (t) => {
  const root = t.testdir({});
  const place = join(root, 'usr/local/lib/systemd/catalog');
  mkdirSync(place, { recursive: true });
  copyFileSync(file, join(place, 'orchestrator-update.catalog'));
  const journalctl = (what: string) => execa('journalctl', [what, `--root=${root}`]);
  t.equal((await journalctl('--update-catalog')).stderr, '');
  const { stdout } = await journalctl('--list-catalog');
  t.same(
    stdout
      .split('\n')
      .map((line) => line.slice(0, 32))
      .toSorted(),
    ids.toSorted(),
  );
  const dump = (await journalctl('--dump-catalog')).stdout;
  for (const { headers, body } of entries.values()) {
    t.ok(dump.includes([...headers, '', ...body].join('\n').trimEnd()), `${headers[0]}`);
  }
});
