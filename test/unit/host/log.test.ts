import t from 'tap';
import {
  createLog,
  createQuickLog,
  journalFields,
  plainLine,
  terminalLine,
  type Log,
  type LogOptions,
} from '../../../src/host/log.ts';

const time = new Date(2026, 10, 23, 14, 5, 9);

await t.test('fields are named after the program in the journal', async (t) => {
  const line = {
    level: 'warn',
    message: 'slow',
    fields: { run: 'r1', exitCode: 12, 'health-url': 'http://x', done: false, none: undefined },
  } as const;
  t.same(journalFields(line), {
    MESSAGE: 'slow',
    PRIORITY: 4,
    ORCHESTRATOR_UPDATE_RUN: 'r1',
    ORCHESTRATOR_UPDATE_EXIT_CODE: 12,
    ORCHESTRATOR_UPDATE_HEALTH_URL: 'http://x',
    ORCHESTRATOR_UPDATE_DONE: 'false',
  });
});

await t.test('an event has its ID in the journal, and nothing elsewhere', async (t) => {
  const line = { level: 'warn', message: 'm', fields: { event: 'held', run: 'r' } } as const;
  t.same(journalFields(line), {
    MESSAGE: 'm',
    MESSAGE_ID: '99a776182d2a48f883cb59d5b72a5202',
    PRIORITY: 4,
    ORCHESTRATOR_UPDATE_EVENT: 'held',
    ORCHESTRATOR_UPDATE_RUN: 'r',
  });
  t.equal(plainLine(line, new Date(0)), '1970-01-01T00:00:00.000Z warn m run=r');
});

await t.test('a terminal gets time, symbol and message', async (t) => {
  const line = { level: 'info', message: 'pulled', fields: { service: 'web' } } as const;
  t.equal(terminalLine(line, time, { colour: false, details: false }), '14:05:09 • pulled');
  t.equal(
    terminalLine(line, time, { colour: false, details: true }),
    '14:05:09 • pulled service=web',
  );
  const red = terminalLine({ ...line, level: 'error' }, time, { colour: true, details: false });
  t.match(red, '\u001B[31mpulled\u001B[0m');
});

await t.test('a pipe gets the fields too', async (t) => {
  const fields = { step: 'pull', url: 'http://x/?a=b', text: 'two words', none: undefined };
  t.equal(
    plainLine({ level: 'info', message: 'm', fields }, new Date(0)),
    '1970-01-01T00:00:00.000Z info m step=pull url="http://x/?a=b" text="two words"',
  );
});

for (const [name, create] of [
  ['winston', createLog],
  ['quick', async (options: LogOptions): Promise<Log> => createQuickLog(options)],
] as const) {
  await t.test(`${name}: lines reach the stream in order`, async (t) => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const log = await create({ stream: 'plain', debug: false, write, now: () => new Date(0) });
    log.debug('hidden');
    log.info('one', { message: 'a field', level: 'another' });
    log.warn('two');
    log.error('three');
    await log.flush();
    const at = '1970-01-01T00:00:00.000Z';
    t.same(lines, [
      `${at} info one message="a field" level=another\n`,
      `${at} warn two\n`,
      `${at} error three\n`,
    ]);
  });

  await t.test(`${name}: without a journal the priority is put in front`, async (t) => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const log = await create({ stream: 'journal', debug: true, write, journal: () => false });
    log.error('two\nlines');
    log.debug('low');
    await log.flush();
    t.same(lines, ['<3>two\n<3>lines\n', '<7>low\n']);
  });

  await t.test(`${name}: with a journal nothing is written`, async (t) => {
    const entries: unknown[] = [];
    const journal = (fields: unknown) => entries.push(fields) > 0;
    const write = () => t.fail('written to stderr');
    const log = await create({ stream: 'journal', debug: false, write, journal });
    log.info('hello', { run: 'r1' });
    await log.flush();
    t.same(entries, [{ MESSAGE: 'hello', PRIORITY: 6, ORCHESTRATOR_UPDATE_RUN: 'r1' }]);
  });
}
