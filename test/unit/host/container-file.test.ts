import { createHash } from 'node:crypto';
import { execa } from 'execa';
import t from 'tap';
import { fileDigest } from '../../../src/host/container-file.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const answering = (status: number, body: unknown) => async () => ({ status, body });

await t.test('the file that Docker sends as an archive', async (t) => {
  const texts = ['grün $ €\n', '', 'x'.repeat(2000)];
  for (const [index, text] of texts.entries()) {
    const directory = t.testdir({ [`file-${index}`]: text });
    const { stdout } = await execa(
      'tar',
      ['-C', directory, '-c', '--format=ustar', `file-${index}`],
      { stripFinalNewline: false },
    );
    t.equal(await fileDigest(answering(200, stdout), 'id', '/x'), sha256(text), text.slice(0, 9));
  }
});

await t.test('what is no file, is not there or is no archive has no digest', async (t) => {
  const directory = t.testdir({ there: 'x', link: t.fixture('symlink', 'there') });
  const { stdout } = await execa('tar', ['-C', directory, '-c', 'link']);
  t.equal(await fileDigest(answering(200, stdout), 'id', '/x'), undefined);
  t.equal(await fileDigest(answering(404, { message: 'no such file' }), 'id', '/x'), undefined);
  t.equal(await fileDigest(answering(200, {}), 'id', '/x'), undefined);
  t.equal(await fileDigest(answering(200, 'short'), 'id', '/x'), undefined);
});
