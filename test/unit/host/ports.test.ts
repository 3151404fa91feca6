import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { portIsFree } from '../../../src/host/ports.ts';

/** Listens on some port of an address; ended with the test. */
async function listen(t: { teardown: (end: () => void) => void }, host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, host, ready));
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

for (const host of ['127.0.0.1', '0.0.0.0', '::1', '::']) {
  await t.test(`a port that somebody listens on at ${host} is taken`, async (t) => {
    t.equal(await portIsFree(await listen(t, host), 'tcp'), false);
  });
}

await t.test('a port that was given back is free, and asking does not take it', async (t) => {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  t.equal(await portIsFree(port, 'tcp'), true);
  t.equal(await portIsFree(port, 'tcp'), true);
});

await t.test('UDP is a world of its own', async (t) => {
  const socket = createSocket('udp4');
  await new Promise<void>((ready) => socket.bind(0, ready));
  const { port } = socket.address();
  t.equal(await portIsFree(port, 'udp'), false);
  await new Promise<void>((closed) => socket.close(closed));
  t.equal(await portIsFree(port, 'udp'), true);
  const tcp = await listen(t, '0.0.0.0');
  t.equal(await portIsFree(tcp, 'udp'), true);
});
