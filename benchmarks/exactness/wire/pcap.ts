/** One TCP segment as the kernel recorded it. */
export interface TcpSegment {
  /** The kernel's timestamp, Unix milliseconds with a fraction. */
  readonly atMs: number
  readonly sourceHost: string
  readonly sourcePort: number
  readonly destinationHost: string
  readonly destinationPort: number
  readonly sequence: number
  readonly isSyn: boolean
  readonly payload: Buffer
}

/** A capture file that cannot be read: not in libpcap's format, or with an unknown link type. */
export class CaptureFormatError extends Error {
  override readonly name = 'CaptureFormatError'
}

/**
 * Reads the TCP segments of a capture file in libpcap's format, in file order; skips what is not TCP over IPv4 and an
 * incomplete last packet.
 * @throws CaptureFormatError
 * @see https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html
 */
export function* readPcap(file: Buffer): Generator<TcpSegment> {
  const { readUint32, fractionsPerMs, ipOffset } = readFileHead(file)
  for (let offset = FILE_HEAD_BYTES; offset + PACKET_HEAD_BYTES <= file.length; ) {
    const atMs = readUint32(offset) * 1_000 + readUint32(offset + 4) / fractionsPerMs
    const capturedBytes = readUint32(offset + 8)
    if (capturedBytes < readUint32(offset + 12)) throw new CaptureFormatError('a packet was captured only in part')
    offset += PACKET_HEAD_BYTES
    if (offset + capturedBytes > file.length) return
    const packet = file.subarray(offset, offset + capturedBytes)
    offset += capturedBytes
    const segment = readIpv4(packet.subarray(ipOffset), atMs)
    if (segment !== undefined) yield segment
  }
}

const FILE_HEAD_BYTES = 24
const PACKET_HEAD_BYTES = 16
const MICROSECONDS = 0xa1b2c3d4
const NANOSECONDS = 0xa1b23c4d

function readFileHead(file: Buffer) {
  if (file.length < FILE_HEAD_BYTES) throw new CaptureFormatError('the file is shorter than its header')
  const isLittleEndian = [MICROSECONDS, NANOSECONDS].includes(file.readUint32LE(0))
  const readUint32 = (offset: number) => (isLittleEndian ? file.readUint32LE(offset) : file.readUint32BE(offset))
  const magic = readUint32(0)
  if (magic !== MICROSECONDS && magic !== NANOSECONDS)
    throw new CaptureFormatError('the file is not in libpcap’s format')
  const linkType = readUint32(20) & 0xffff
  const ipOffset = LINK_HEAD_BYTES.get(linkType)
  if (ipOffset === undefined) throw new CaptureFormatError(`link type ${linkType} is unknown`)
  return { readUint32, fractionsPerMs: magic === NANOSECONDS ? 1_000_000 : 1_000, ipOffset }
}

/**
 * The bytes before the IP packet: a four-byte address family on a BSD's loopback, an Ethernet header on Linux's.
 * @see https://www.tcpdump.org/linktypes.html
 */
const LINK_HEAD_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 4],
  [1, 14],
  [108, 4],
])

const TCP = 6
const SYN = 0x02

function readIpv4(packet: Buffer, atMs: number): TcpSegment | undefined {
  if (packet.length < 20 || packet.readUint8(0) >> 4 !== 4 || packet.readUint8(9) !== TCP) return undefined
  const ipHeadBytes = (packet.readUint8(0) & 0x0f) * 4
  // Use the length that IP states, as an Ethernet frame may be padded. It is 0 if the network card was to split the
  // packet.
  const statedBytes = packet.readUint16BE(2)
  const tcp = packet.subarray(ipHeadBytes, statedBytes === 0 ? packet.length : statedBytes)
  if (tcp.length < 20) return undefined
  return {
    atMs,
    sourceHost: packet.subarray(12, 16).join('.'),
    destinationHost: packet.subarray(16, 20).join('.'),
    sourcePort: tcp.readUint16BE(0),
    destinationPort: tcp.readUint16BE(2),
    sequence: tcp.readUint32BE(4),
    isSyn: (tcp.readUint8(13) & SYN) !== 0,
    payload: tcp.subarray((tcp.readUint8(12) >> 4) * 4),
  }
}
