type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

/** A buffer as C sees it: `struct iovec`. */
export interface IoVector {
  readonly iov_base: Uint8Array;
  readonly iov_len: number;
}

/** The functions used of libsystemd. All return 0 or more for success and -errno for failure. */
export interface Libsystemd {
  /** Sends `state` to $NOTIFY_SOCKET of the C environment; 0 when that is not set. */
  readonly notify: (unsetEnvironment: number, state: string) => number;
  /** Sends one journal entry; 0 also when there is no journald to send it to. */
  readonly journalSend: (fields: readonly IoVector[], count: number) => number;
}

/** The functions used of libc. They return -1 for failure and leave the reason in `errno`. */
export interface Libc {
  readonly flock: (fileDescriptor: number, operation: number) => number;
  /** renameat2(2), with paths that do not depend on the working directory. */
  readonly exchange: (left: string, right: string) => number;
  readonly errno: () => number;
  /** pthread_sigmask(3) of the main thread; 0 for success. */
  readonly unblock: (signal: number) => number;
  /** waitpid(2) for any child, without waiting; 0 or less where none has ended. */
  readonly reap: () => number;
}

/** Of fcntl.h and linux/fs.h: the same on every architecture. */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
/** Of signal.h and sys/wait.h. */
const SIG_UNBLOCK = 1;
const SIGSET_BYTES = 128;
const WNOHANG = 1;

// Loaded at first use and kept: a library is loaded once per process anyway.
let koffi: Koffi | undefined;
let libsystemd: Libsystemd | undefined;
let libc: Libc | undefined;

/**
 * koffi's binary without its JavaScript: 1 to 2 ms CPU where `import 'koffi'` takes 12 ms (measured,
 * median of 21, Node 24), which counts in a run that finds nothing to do.
 * Throws when no binary fits this machine.
 */
function loadKoffi(): Koffi {
  if (koffi) return koffi;
  const failures: string[] = [];
  for (const file of koffiCandidates()) {
    // process.dlopen fills `exports` in; what it is then is koffi's own description of itself.
    const loaded = { exports: {} };
    try {
      process.dlopen(loaded, file());
      if (isKoffi(loaded.exports)) return (koffi = loaded.exports);
      failures.push('not koffi');
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`koffi.node could not be loaded: ${failures.join('; ')}`);
}

function isKoffi(exports: object): exports is Koffi {
  return 'load' in exports && 'struct' in exports && 'errno' in exports;
}

/** Where koffi.node may be: beside the bundle, or in node_modules (glibc first, then musl). */
function koffiCandidates(): (() => string)[] {
  return [
    () => `${import.meta.dirname}/koffi.node`,
    () => installedKoffi('linux'),
    () => installedKoffi('musl'),
  ];
}

function installedKoffi(libcName: 'linux' | 'musl'): string {
  // Not imported above: node:module, node:path and node:url cost a bundled run 4 ms CPU (measured).
  const { createRequire } = process.getBuiltinModule('node:module');
  const file = `${libcName}_${process.arch}/koffi.node`;
  return createRequire(import.meta.url).resolve(`@koromix/koffi-linux-${process.arch}/${file}`);
}

/** Throws when koffi or libsystemd.so.0 cannot be loaded. */
export function loadLibsystemd(): Libsystemd {
  if (libsystemd) return libsystemd;
  const library = loadKoffi().load('libsystemd.so.0');
  libsystemd = {
    notify: library.func('int sd_notify(int, const char *)'),
    journalSend: declareJournalSend(library),
  };
  return libsystemd;
}

/** Throws when koffi cannot be loaded. */
export function loadLibc(): Libc {
  if (libc) return libc;
  const native = loadKoffi();
  const library = native.load('libc.so.6');
  const rename = library.func(
    'int renameat2(int, const char *, int, const char *, unsigned int)',
  ) as (from: number, old: string, to: number, now: string, flags: number) => number;
  const mask = library.func('int pthread_sigmask(int, const uint8_t *, void *)') as (
    how: number,
    set: Uint8Array,
    old: null,
  ) => number;
  const waitpid = library.func('int waitpid(int, void *, int)') as (
    pid: number,
    status: null,
    options: number,
  ) => number;
  libc = {
    flock: library.func('int flock(int, int)'),
    exchange: (left, right) => rename(AT_FDCWD, left, AT_FDCWD, right, RENAME_EXCHANGE),
    errno: () => native.errno(),
    unblock: (signal) => {
      const set = new Uint8Array(SIGSET_BYTES);
      set[(signal - 1) >> 3] = 1 << ((signal - 1) & 7);
      return mask(SIG_UNBLOCK, set, null);
    },
    reap: () => waitpid(-1, null, WNOHANG),
  };
  return libc;
}

function declareJournalSend(library: Library): Libsystemd['journalSend'] {
  loadKoffi().struct('iovec', { iov_base: 'const void *', iov_len: 'size_t' });
  return library.func('int sd_journal_sendv(const iovec *, int)');
}
