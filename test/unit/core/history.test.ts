import t from 'tap';
import { bytesDoneIn, isDue, parentFor, readSummary } from '../../../src/core/history.ts';
import { isHopeless, problemIn, unreadableIn } from '../../../src/core/history-problem.ts';

const DAY = 86_400_000;

await t.test('due: never done, long ago, or in the future', async (t) => {
  t.ok(isDue(Number.NaN, 7, DAY));
  t.notOk(isDue(0, 7, 7 * DAY - 1));
  t.ok(isDue(0, 7, 7 * DAY));
  t.ok(isDue(2 * DAY, 7, DAY), 'the clock was wrong');
  t.ok(isDue(DAY, 0, DAY), '0 days: each time');
});

await t.test('the parent is the newest of this host, else the newest', async (t) => {
  const facts = { at: '', name: '', commit: '' };
  const snapshots = [
    { ...facts, snapshot: '3', host: 'other' },
    { ...facts, snapshot: '2', host: 'vm' },
    { ...facts, snapshot: '1', host: 'vm' },
  ];
  t.match(parentFor('vm', snapshots), { snapshot: '2' });
  t.match(parentFor('new', snapshots), { snapshot: '3' });
  t.equal(parentFor('vm', []), undefined);
});

await t.test('progress and summary, of restic 0.14 and 0.18', async (t) => {
  const line = '{"message_type":"status","percent_done":0.5,"total_bytes":200,"bytes_done":100}';
  t.same(bytesDoneIn(line), { done: 100, total: 200 });
  t.same(bytesDoneIn('{"message_type":"status","total_bytes":9}'), { done: 0, total: 9 });
  t.same(bytesDoneIn('{"message_type":"status","total_bytes":9,"bytes_restored":10}'), {
    done: 9,
    total: 9,
  });
  for (const none of ['', 'text', '{"mess', '{"message_type":"status"}']) {
    t.equal(bytesDoneIn(none), undefined, none);
  }
  const old =
    '{"message_type":"summary","files_new":1,"files_changed":2,"files_unmodified":3,"data_added":400,"total_bytes_processed":5000,"snapshot_id":"7fc807f0"}';
  const summary = { snapshot: '7fc807f0', addedBytes: 400, totalBytes: 5000 };
  t.same(readSummary(`${line}\n${old}\n`), { ...summary, filesRead: 3, filesUnmodified: 3 });
  const recent = old
    .replace('7fc807f0', `7fc807f0${'0'.repeat(56)}`)
    .replace('"data_added":400', '"data_added":900,"data_added_packed":400');
  t.match(readSummary(recent), summary);
  t.equal(readSummary(line), undefined);
});

/** What restic really printed: text, exit code → kind, cause. Each of 0.14 first, of 0.18 then. */
const seen: readonly (readonly [string, number | undefined, string, RegExp])[] = [
  [': is not installed', undefined, 'not installed', /is not installed/],
  ['Fatal: wrong password or no key found', 1, 'wrong password', /^wrong password/],
  [
    '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}',
    12,
    'wrong password',
    /^wrong password or no key found$/,
  ],
  [
    'Fatal: unable to open config file: stat /r/config: no such file or directory\nIs there a repository at the following location?\n/r',
    1,
    'missing',
    /^unable to open config file: stat \/r\/config/,
  ],
  [
    '{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist: unable to open config file: stat /r/config: no such file or directory\\nIs there a repository at the following location?\\n/r"}',
    10,
    'missing',
    /^repository does not exist/,
  ],
  [
    'Fatal: unable to open config file: Stat: The specified key does not exist.',
    1,
    'missing',
    /key/,
  ],
  ['Fatal: unable to open config file: <config/> does not exist', 1, 'missing', /config/],
  ['Fatal: unable to open config file: Stat: Access Denied.', 1, 'denied', /Access Denied/],
  [
    'unable to create lock in backend: repository is already locked by PID 2416 on vm by root (UID 0, GID 0)\nlock was created at 2026-11-25 03:30:27 (248.280828ms ago)\nstorage ID 17b41500\nthe `unlock` command can be used to remove stale locks',
    1,
    'locked',
    /^PID 2416 on vm by root \(UID 0, GID 0\), since 2026-11-25 03:30:27 \(248\.280828ms ago\)$/,
  ],
  [
    'repo already locked, waiting up to 0s for the lock\nunable to create lock in backend: repository is already locked exclusively by PID 7 on vm by root (UID 0, GID 0)\nlock was created at 2026-11-25 03:29:56 (1.3s ago)',
    11,
    'locked',
    /^PID 7 on vm by root \(UID 0, GID 0\), since 2026-11-25 03:29:56 \(1\.3s ago\)$/,
  ],
  [
    'write /r/locks/1-tmp-2: no space left on device\ngithub.com/cenkalti/backoff.RetryNotify\n\tgithub.com/cenkalti/backoff/retry.go:34\nmain.main\nruntime.goexit\n\truntime/asm_amd64.s:1594\nunable to create lock in backend',
    1,
    'full',
    /^write \/r\/locks\/1-tmp-2: no space left on device$/,
  ],
  ['Fatal: unable to save snapshot: write /r/data/8b: disk quota exceeded', 1, 'full', /quota/],
  [
    'Save(<lock/9a>) returned error, retrying after 1.5s: open /r/locks/9a: read-only file system\n: was stopped',
    undefined,
    'unwritable',
    /read-only/,
  ],
  [
    'Fatal: unable to open config file: client.Head: Head "http://127.0.0.1:1/config": dial tcp 127.0.0.1:1: connect: connection refused\nIs there a repository at the following location?\nrest:http://127.0.0.1:1/',
    1,
    'unreachable',
    /connection refused$/,
  ],
  [
    'Stat(<config/>) returned error, retrying after 554ms: Head "http://h/config": dial tcp: lookup h: no such host\n: took longer than 120 s and was ended:',
    undefined,
    'unreachable',
    /no such host/,
  ],
  [
    'Fatal: unable to open repository at sftp:root@h:/x: unable to start the sftp session, error: EOF',
    1,
    'unreachable',
    /sftp session/,
  ],
  [
    'subprocess ssh: root@h: Permission denied (publickey).\nFatal: unable to open repository at sftp:root@h:/x: unable to start the sftp session, error: EOF',
    1,
    'denied',
    /Permission denied \(publickey\)/,
  ],
  [
    'Fatal: unable to open repository: s3.getCredentials: no credentials found.',
    1,
    'denied',
    /no cred/,
  ],
  ['unexpected HTTP response (401): 401 Unauthorized', 1, 'denied', /401/],
  ['unexpected HTTP response (503): 503 Service Unavailable', 1, 'unreachable', /503/],
  ['Fatal: exec: "rclone": executable file not found in $PATH', 1, 'program missing', /rclone/],
  [
    'Pack ID does not match, want 7c9d, got 6735\nFatal: repository contains errors',
    1,
    'damaged',
    /7c9d/,
  ],
  [
    '\u001b[2Kpack fb80 contains 2 errors: [blob 070f: decrypting failed: ciphertext verification failed]\nFatal: repository contains errors',
    1,
    'damaged',
    /^pack fb80 contains 2 errors/,
  ],
  ['pack 7c9d: does not exist\nFatal: repository contains errors', 1, 'damaged', /^pack 7c9d/],
  ['Fatal: load <index/5cafa15771>: invalid data returned', 1, 'damaged', /index/],
  ['Fatal: config or key 0cab is damaged: ciphertext verification failed', 1, 'damaged', /config/],
  [': took longer than 3 s and was ended', undefined, 'timed out', /3 s/],
  ['ignoring error for /a\nFatal: There were 2 errors', 1, 'unknown', /^There were 2 errors$/],
  ['something else', 1, 'unknown', /^something else$/],
  ['', 1, 'unknown', /^$/],
];

await t.test('what went wrong, from what restic says', async (t) => {
  for (const [output, exitCode, kind, cause] of seen) {
    t.match(problemIn(output, exitCode), { kind, cause }, output);
  }
});

await t.test('later versions say it by their exit code, in whatever words', async (t) => {
  t.match(problemIn('Fatal: kein Schlüssel', 12), { kind: 'wrong password' });
  t.match(problemIn('Fatal: gesperrt', 11), { kind: 'locked', cause: 'gesperrt' });
  t.match(problemIn('Fatal: no space left on device', 10), { kind: 'missing' });
});

await t.test('a file that could not be read, and no control characters', async (t) => {
  const old =
    '{"message_type":"error","error":{"Op":"open","Path":"a/bad","Err":13},"during":"archival","item":"/b/a/\\u001bbad"}\nWarning: at least one source file could not be read';
  t.match(unreadableIn(old), { kind: 'unreadable', cause: String.raw`/b/a/\u001bbad` });
  const recent =
    '{"message_type":"error","error":{"message":"/b/bad: open bad: permission denied"},"item":"/b/bad"}';
  t.match(unreadableIn(recent), { cause: '/b/bad: open bad: permission denied' });
});

await t.test('what is not worth another try', async (t) => {
  t.ok(isHopeless('Save(<data/3b>) failed: write /r/data/3b: no space left on device'));
  t.ok(
    isHopeless('Save(<lock/9a>) returned error, retrying after 1s: open /r: read-only file system'),
  );
  t.ok(
    isHopeless(
      'Load(<data/7c>, 1, 0) returned error, retrying after 1s: open: no such file or directory',
    ),
  );
  t.notOk(
    isHopeless('Load(<snapshot/7c>) returned error, retrying after 1s: no such file or directory'),
  );
  t.notOk(isHopeless('Stat(<config/>) returned error, retrying after 1s: connection refused'));
  t.notOk(isHopeless('/srv/read-only file system'));
});
