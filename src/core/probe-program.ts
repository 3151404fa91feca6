/**
 * A program for the container that proves that containers can be made: it waits for ever, and ends at once when
 * it is called with a word more. It needs nothing from an image, so that no image of a person's has to be
 * there, or be run. Machine code of Linux, since nothing on a host is sure to be there and to be linked statically.
 */

/** ELF's numbers of machines (e_machine), and the code. */
const programs: Readonly<Record<string, { machine: number; code: readonly number[] }>> = {
  amd64: {
    machine: 62,
    code: [
      [0x48, 0x83, 0x3c, 0x24, 0x01], // cmp qword [rsp], 1    the number of words
      [0x75, 0x09], // jne end
      [0xb8, 0x22, 0x00, 0x00, 0x00], // again: mov eax, 34    pause
      [0x0f, 0x05], // syscall
      [0xeb, 0xf7], // jmp again
      [0x31, 0xff], // end: xor edi, edi
      [0xb8, 0xe7, 0x00, 0x00, 0x00], // mov eax, 231          exit_group
      [0x0f, 0x05], // syscall
    ].flat(),
  },
  arm64: {
    machine: 183,
    code: [
      0xf94003e0, // ldr x0, [sp]          the number of words
      0xf100041f, // cmp x0, #1
      0x54000121, // b.ne end
      0xd2800000, // again: mov x0, #0
      0xd2800001, // mov x1, #0
      0xd2800002, // mov x2, #0
      0xd2800003, // mov x3, #0
      0xd2800004, // mov x4, #0
      0xd2800928, // mov x8, #73           ppoll, which waits for ever without a time
      0xd4000001, // svc #0
      0x17fffff9, // b again
      0xd2800000, // end: mov x0, #0
      0xd2800bc8, // mov x8, #94           exit_group
      0xd4000001, // svc #0
    ].flatMap((word) => [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24]),
  },
};

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const LOADED_AT = 0x400000n;

/** The program as an ELF file; undefined for an architecture (as Docker names it) that it is not written for. */
export function probeProgram(architecture: string): Buffer | undefined {
  const program = programs[architecture];
  if (program === undefined) return undefined;
  const code = Buffer.from(program.code);
  const start = HEADER_BYTES + SEGMENT_BYTES;
  const size = BigInt(start + code.length);
  const header = Buffer.alloc(HEADER_BYTES);
  // 64 bits, little endian, version 1.
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(2, 16); // e_type: an executable
  header.writeUInt16LE(program.machine, 18);
  header.writeUInt32LE(1, 20); // e_version
  header.writeBigUInt64LE(LOADED_AT + BigInt(start), 24); // e_entry
  header.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // e_phoff
  header.writeUInt16LE(HEADER_BYTES, 52); // e_ehsize
  header.writeUInt16LE(SEGMENT_BYTES, 54); // e_phentsize
  header.writeUInt16LE(1, 56); // e_phnum
  const segment = Buffer.alloc(SEGMENT_BYTES);
  segment.writeUInt32LE(1, 0); // p_type: to be loaded
  segment.writeUInt32LE(5, 4); // p_flags: read, execute
  segment.writeBigUInt64LE(LOADED_AT, 16); // p_vaddr
  segment.writeBigUInt64LE(LOADED_AT, 24); // p_paddr
  segment.writeBigUInt64LE(size, 32); // p_filesz
  segment.writeBigUInt64LE(size, 40); // p_memsz
  segment.writeBigUInt64LE(0x1000n, 48); // p_align
  return Buffer.concat([header, segment, code]);
}

const BLOCK_BYTES = 512;

/** A tar archive (ustar) with one file that can be run. */
export function archiveOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0);
  header.write('0000755\0', 100); // mode
  header.write('0000000\0', 108); // uid
  header.write('0000000\0', 116); // gid
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136); // mtime
  header.write('        ', 148); // where the checksum goes
  header.write('0', 156); // a file
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const rest = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, rest, Buffer.alloc(2 * BLOCK_BYTES)]);
}
