import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Command } from '../../src/argv/command.ts';
import { CommandError, type ExecResult } from '../../src/host/exec.ts';

/** A package that is made for a test: one program that says its name and version. */
interface Spec {
  readonly name: string;
  readonly version: string;
  readonly epoch?: number;
  readonly requires?: string;
}

/** What the tests with real packages need. */
const needed = [
  '/usr/bin/dnf',
  // Of its plugins.
  '/usr/libexec/dnf-utils-3',
  '/usr/bin/rpmbuild',
  '/usr/bin/createrepo_c',
  '/usr/bin/gpg',
];

/** Why there can be no such tests here; undefined where there can. */
export function whyNoRpms(): string | undefined {
  const missing = needed.filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

/** Packages that are signed, in a repository. */
export interface RpmRepository {
  readonly directory: string;
  readonly key: string;
  /** The file of a package. */
  file(name: string, version: string): string;
}

/** @param directory an empty one */
export async function makeRpmRepository(
  directory: string,
  specs: readonly Spec[],
): Promise<RpmRepository> {
  const repository = join(directory, 'repository');
  const key = join(directory, 'key');
  const file = (name: string, version: string): string =>
    join(repository, architecture, `${name}-${version}-1.el9.${architecture}.rpm`);
  for (const spec of specs) await build(directory, repository, spec);
  // The path of its agent's socket must be short.
  const home = mkdtempSync(join(tmpdir(), 'gnupg-'));
  const env = { LC_ALL: 'C.UTF-8', GNUPGHOME: home };
  try {
    await execa('gpg', ['--batch', '--passphrase', '', '--quick-gen-key', 'lab', 'rsa2048'], {
      env,
    });
    const { stdout } = await execa('gpg', ['--armor', '--export'], { env });
    writeFileSync(key, `${stdout}\n`);
    const sign = ['--addsign', '--define=__gpg /usr/bin/gpg', '--define=_gpg_name lab'];
    const files = specs.map(({ name, version }) => file(name, version));
    await execa('rpmsign', [...sign, ...files], { env });
  } finally {
    await execa('gpgconf', ['--kill', 'gpg-agent'], { env, reject: false });
    rmSync(home, { recursive: true, force: true });
  }
  await execa('createrepo_c', ['--quiet', repository]);
  return { directory: repository, key, file };
}

/** A root directory with a database of rpm. */
export interface RpmRoot {
  readonly root: string;
  /** The locks of packages. */
  readonly locks: string;
  /** Does a command of dnf or rpm to that root, with the repository. */
  run(command: Command, accept?: readonly number[], cwd?: string): Promise<ExecResult>;
}

/** @param directory an empty one */
export async function makeRpmRoot(directory: string, repository: RpmRepository): Promise<RpmRoot> {
  const at = (name: string): string => join(directory, name);
  for (const name of ['root/tmp', 'repos', 'plugins']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('repos/lab.repo'), `[lab]\nname=lab\nbaseurl=file://${repository.directory}\n`);
  const versionlock = `[main]\nenabled=1\nlocklist=${at('locks')}\n`;
  writeFileSync(at('plugins/versionlock.conf'), versionlock);
  writeFileSync(at('locks'), '');
  const prefix: Readonly<Record<string, readonly string[]>> = {
    dnf: [
      `--installroot=${at('root')}`,
      `--setopt=reposdir=${at('repos')}`,
      `--setopt=cachedir=${at('cache')}`,
      `--setopt=pluginconfpath=${at('plugins')}`,
      '--disableplugin=local',
      '--releasever=9',
    ],
    rpm: [`--root=${at('root')}`],
    rpmkeys: [`--root=${at('root')}`],
  };
  const run: RpmRoot['run'] = async ({ file, args }, accept = [], cwd = directory) => {
    const env = { LC_ALL: 'C.UTF-8', SYSTEMD_OFFLINE: '1' };
    const words = [...(prefix[file] ?? []), ...args];
    const said = await execa(file, words, { cwd, env, reject: false });
    const { stdout, stderr, exitCode = -1 } = said;
    if (exitCode === 0 || accept.includes(exitCode)) return { stdout, stderr, exitCode };
    throw new CommandError(`${file} ${words.join(' ')}: ${stdout}\n${stderr}`, stderr, exitCode);
  };
  await run({ file: 'rpmkeys', args: ['--import', repository.key] });
  await run({ file: 'dnf', args: ['--quiet', 'makecache'] });
  return { root: at('root'), locks: at('locks'), run };
}

const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

async function build(
  directory: string,
  repository: string,
  { name, version, epoch = 0, requires }: Spec,
): Promise<void> {
  const spec = join(directory, `${name}-${version}.spec`);
  // Its scriptlet needs no shell, and shows what it was told.
  writeFileSync(
    spec,
    `Name: ${name}
Version: ${version}
Release: 1.el9
Epoch: ${epoch}
Summary: lab
License: MIT
${requires === undefined ? '' : `Requires: ${requires}`}
%description
lab
%install
mkdir -p %{buildroot}/usr/bin
echo '${name} ${version}' >%{buildroot}/usr/bin/${name}
%post -p <lua>
local seen = io.open("/tmp/seen", "a")
seen:write("${name} ${version} " .. tostring(os.getenv("SYSTEMD_OFFLINE")) .. "\\n")
seen:close()
%files
/usr/bin/${name}
`,
  );
  const defines = [
    `_topdir ${join(directory, 'build')}`,
    `_rpmdir ${repository}`,
    '__os_install_post %{nil}',
  ];
  const args = defines.map((one) => `--define=${one}`);
  await execa('rpmbuild', ['-bb', '--quiet', ...args, `--target=${architecture}`, spec]);
}
