import type { Credentials } from '../../src/host/registry-credentials.ts';
import type { WebAnswer, WebRequest } from '../../src/host/registry-http.ts';
import { openSession, type Session } from '../../src/host/registry-session.ts';

/** What is answered to a request. */
export type Answers = (request: WebRequest) => {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** A session with a registry that answers like this, and what it was sent. */
export function session(
  answers: Answers,
  credentials?: Partial<Credentials>,
): { readonly session: Session; readonly sent: WebRequest[]; pass(seconds: number): void } {
  const sent: WebRequest[] = [];
  let elapsed = 0;
  const opened = openSession({
    registry: 'reg.lab',
    host: 'reg.lab',
    paths: ['a', 'b'],
    mayBePlain: false,
    login: async () => ({
      credentials: credentials && { serveraddress: 'reg.lab', ...credentials },
      problem: undefined,
    }),
    web: {
      send: async (request): Promise<WebAnswer> => {
        sent.push(request);
        const { status, headers = {}, body = '' } = answers(request);
        return { status, header: (name) => headers[name], body: Buffer.from(body) };
      },
      close: () => {},
    },
    now: () => new Date(0),
    elapsedSeconds: () => elapsed,
    endsSeconds: 1000,
    onRequest: () => {},
    sleep: async (seconds) => void (elapsed += seconds),
  });
  return { session: opened, sent, pass: (seconds) => void (elapsed += seconds) };
}
