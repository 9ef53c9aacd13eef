import type { Field } from './odd-input.ts'

/** RFC 9113, section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const END_STREAM = 0x1
export const END_HEADERS = 0x4
export const PADDED = 0x8
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Encodes a frame. @param length the stated length, if it differs from the payload's */
export function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length & 0xffffff, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

/** RFC 7541, section 6.2.2: literals without indexing, names and values without Huffman coding. */
export function headerBlock(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** RFC 7541, section 5.2. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([prefixedInteger(bytes.length), bytes])
}

/** RFC 7541, section 5.1, with a prefix of seven bits. */
function prefixedInteger(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const octets = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) + 128)
  octets.push(rest)
  return Buffer.from(octets)
}
