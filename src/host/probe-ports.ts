import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import {
  isListeningAt,
  reachedAt,
  unservedPorts,
  type PortSeen,
  type PublishedPort,
  type Reached,
} from '../core/engine-health.ts';
import { expect, type EngineApi } from './engine-api.ts';
import type { Verdict } from './engine-probes.ts';

const PORT_SECONDS = 3;
/** docker-proxy takes a connection, and closes it when nobody is behind it. */
const CLOSED_AT_ONCE_MS = 300;

/** The part of `GET /containers/json` that is read. */
interface Listed {
  readonly Id: string;
  readonly Names?: readonly string[];
  readonly Ports?:
    | readonly { IP?: string; PrivatePort?: number; PublicPort?: number; Type?: string }[]
    | null;
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string } | null>> | null;
  };
}

/** Whether Docker serves the TCP ports that containers publish; what a service does at its port is its own. */
export async function probePorts(api: EngineApi): Promise<Verdict> {
  const { body } = expect(await api('GET', '/containers/json'), [200], 'its containers');
  const containers = body as Listed[];
  const seen = await Promise.all(
    containers.map(async (container) => {
      return Promise.all(publishedBy(container).map((port) => look(api, container.Id, port)));
    }),
  );
  const ports = seen.flat();
  const dead = unservedPorts(ports);
  const open = ports.filter(({ fromHost }) => fromHost === 'open').length;
  if (dead.length === 0) {
    return { state: 'ok', detail: `${open} of ${ports.length} published ports of TCP answer` };
  }
  const names = dead.map(({ address, port, container }) => `${address}:${port} (${container})`);
  return {
    state: 'failed',
    detail: `nobody answers at ${names.join(', ')}, although the service listens`,
  };
}

function publishedBy({
  Names: names,
  Ports: ports,
  NetworkSettings: settings,
}: Listed): PublishedPort[] {
  const networks = Object.values(settings?.Networks ?? {});
  const own = networks.find((one) => one?.IPAddress)?.IPAddress;
  return (ports ?? []).flatMap((one) => {
    const { IP: address = '', PublicPort: port, PrivatePort: inside, Type: type } = one;
    if (port === undefined || inside === undefined || type !== 'tcp') return [];
    const container = (names?.[0] ?? '').replace(/^\//, '');
    return [{ address, port, container, inside: { address: own, port: inside } }];
  });
}

async function look(api: EngineApi, id: string, port: PublishedPort): Promise<PortSeen> {
  const at = reachedAt(port);
  // An address that this host has not got any more is none of Docker's business.
  if (!isOwn(at.host)) return { port, fromHost: 'refused', direct: 'refused', isListening: false };
  const fromHost = await reach(at);
  if (fromHost === 'open') return { port, fromHost, direct: 'open', isListening: true };
  const { address, port: inside } = port.inside;
  const direct = address === undefined ? 'refused' : await reach({ host: address, port: inside });
  return { port, fromHost, direct, isListening: isListeningAt(await socketTable(api, id), inside) };
}

function isOwn(address: string): boolean {
  const own = Object.values(networkInterfaces()).flat();
  return isLoopback(address) || own.some((one) => one?.address === address);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** What listens in the network of a container. */
async function socketTable(api: EngineApi, id: string): Promise<string> {
  const { body } = await api('GET', `/containers/${id}/json`);
  const { State: state } = body as { State?: { Pid?: number } };
  const tables = ['tcp', 'tcp6'].map((name) =>
    readFile(`/proc/${state?.Pid ?? 0}/net/${name}`, 'utf8').catch(() => ''),
  );
  return (await Promise.all(tables)).join('\n');
}

function reach(at: { host: string; port: number }): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: PORT_SECONDS * 1000 });
    const finish = (reached: Reached) => (): void => {
      socket.destroy();
      resolve(reached);
    };
    let isTaken = false;
    socket.once('connect', () => {
      isTaken = true;
      setTimeout(finish('open'), CLOSED_AT_ONCE_MS);
    });
    socket.once('data', finish('open'));
    for (const event of ['error', 'end', 'timeout'])
      socket.once(event, () => finish(isTaken ? 'closed' : 'refused')());
  });
}
