/**
 * A command that has the lock, and takes a second to end when it is asked to: node hold-lock.ts PATH.
 */
import { appendFileSync } from 'node:fs';
import { acquireLock } from '../../src/host/lock.ts';

const [, , path = ''] = process.argv;
const lock = acquireLock(path);
if (!lock) throw new Error(`somebody has ${path}`);
const say = (text: string): void => appendFileSync(`${path}.said`, `${text}\n`);
const endless = setInterval(() => {}, 1000);
process.on('SIGTERM', () => {
  say('SIGTERM');
  setTimeout(() => {
    say('taken back');
    lock.release();
    setTimeout(() => {
      say('told');
      clearInterval(endless);
    }, 300);
  }, 1000);
});
say('begun');
