import t from 'tap';
import type { ApiAnswer } from '../../../src/host/engine-api.ts';
import { startEnded } from '../../../src/host/start-ended.ts';

const ended = { State: { Status: 'exited', ExitCode: 1 }, HostConfig: {} };
/** What a daemon that waits for nothing more takes for it. */
const QUICK_MS = 15_000;

/** A daemon in which nothing runs, and that answers so to a start; `GET` of a container says whether it knows it. */
async function played(answers: Readonly<Record<string, ApiAnswer>>) {
  const asked: string[] = [];
  const startedAtMs = performance.now();
  const failed = await startEnded(
    async (method, path) => {
      asked.push(`${method} ${path}`);
      if (path === '/containers/json') return { status: 200, body: [] };
      return (
        answers[`${method} ${path}`] ?? { status: 404, body: { message: 'No such container' } }
      );
    },
    ['a', 'b'],
    false,
  );
  return { failed, asked, ms: performance.now() - startedAtMs };
}

await t.test('nobody is waited for whom Docker does not know, or refuses to start', async (t) => {
  const { failed, ms } = await played({
    'GET /containers/a/json': { status: 200, body: ended },
    'POST /containers/a/start': { status: 500, body: { message: 'unsupported shim version (3)' } },
  });
  t.same(failed, ['Docker refused to start a: unsupported shim version (3)']);
  t.ok(ms < QUICK_MS, `${ms} ms`);
});
