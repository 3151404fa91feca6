/** A user a command can be run as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Variables of ours that a child may see; everything else is left out on purpose. */
const passedOn = [
  'DOCKER_HOST',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** The environment of every child: fixed, so that no caller's setting changes what happens. */
export function childEnvironment(home = '/root'): Record<string, string> {
  const passed = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    ...Object.fromEntries(passed),
  };
}
