/** The daemon's socket: DOCKER_HOST where it names one, else Docker's default. */
export function dockerSocket(environment: NodeJS.ProcessEnv): string {
  const host = environment['DOCKER_HOST'];
  return host?.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
}
