/** Who types a command: sudo tells whom it was typed by. */
export function whoTypes(environment: NodeJS.ProcessEnv): string {
  const { SUDO_USER: sudo, LOGNAME: login, USER: user } = environment;
  return sudo ?? login ?? user ?? 'root';
}
