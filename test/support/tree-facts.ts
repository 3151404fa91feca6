import { execa } from 'execa';

/** Sets and reads extended attributes without a tool that may not be there. */
async function python(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa('python3', ['-c', program, ...args]);
  return stdout;
}

export async function setXattr(path: string, name: string, value: string): Promise<void> {
  await python(
    'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())',
    path,
    name,
    value,
  );
}

/**
 * Everything a faithful copy keeps, one entry a line: path, type, mode, owner, group, time, links,
 * link target, extended attributes, the number that hard links share (by order of path), text or, of a long one, its hash.
 */
export async function treeFacts(directory: string): Promise<string[]> {
  const program = `
import hashlib, os, sys
root = os.fsencode(sys.argv[1])
inodes = {}
for at, dirs, files in os.walk(root):
    dirs.sort()
    for name in sorted(dirs + files):
        path = os.path.join(at, name)
        s = os.lstat(path)
        is_dir = os.path.stat.S_ISDIR(s.st_mode)
        shared = 0 if is_dir or s.st_nlink == 1 else inodes.setdefault(s.st_ino, len(inodes) + 1)
        target = os.readlink(path) if os.path.islink(path) else b''
        xattrs = sorted((n, os.getxattr(path, n, follow_symlinks=False)) for n in os.listxattr(path, follow_symlinks=False))
        text = b'' if is_dir or not os.path.stat.S_ISREG(s.st_mode) else open(path, 'rb').read()
        text = text if len(text) < 1000 else hashlib.sha256(text).hexdigest()
        print(os.path.relpath(path, root), oct(s.st_mode), s.st_uid, s.st_gid, int(s.st_mtime),
              0 if is_dir else s.st_nlink, target, xattrs, shared, text)
`;
  return (await python(program, directory)).split('\n').toSorted((a, b) => (a < b ? -1 : 1));
}
