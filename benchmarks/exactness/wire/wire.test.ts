import { expect, it } from 'vitest'
import { type Departure, httpDepartures, tlsDepartures } from './departures.ts'
import { CaptureFormatError, readPcap } from './pcap.ts'
import { tcpStreams } from './tcp-streams.ts'

const SERVER = 8_000

/** A packet of a generated capture. */
interface Packet {
  readonly atMs: number
  /** The client's port; the other port is the server's. */
  readonly client: number
  readonly from?: 'client' | 'server'
  readonly sequence: number
  readonly syn?: boolean
  readonly data?: string | Buffer
}

function pcapOf(packets: readonly Packet[], { linkType = 1, nanoseconds = false, bigEndian = false } = {}): Buffer {
  const uint32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    if (bigEndian) bytes.writeUInt32BE(value)
    else bytes.writeUInt32LE(value)
    return bytes
  }
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4
  const parts = [magic, 0x0004_0002, 0, 0, 262_144, linkType].map(uint32)
  for (const { atMs, client, from = 'client', sequence, syn = false, data = '' } of packets) {
    const payload = Buffer.from(data)
    const tcp = Buffer.alloc(32)
    tcp.writeUInt16BE(from === 'client' ? client : SERVER, 0)
    tcp.writeUInt16BE(from === 'client' ? SERVER : client, 2)
    tcp.writeUInt32BE(sequence >>> 0, 4)
    tcp.writeUInt8(0x80, 12) // Eight words: twelve bytes of options.
    tcp.writeUInt8(syn ? 0x02 : 0x10, 13)
    const ip = Buffer.alloc(20)
    ip.writeUInt8(0x45, 0)
    ip.writeUInt16BE(20 + 32 + payload.length, 2)
    ip.writeUInt8(6, 9)
    ip.set([127, 0, 0, 1, 127, 0, 0, 1], 12)
    // Padded, as Ethernet does with short frames.
    const frame = Buffer.concat([Buffer.alloc(linkType === 1 ? 14 : 4), ip, tcp, payload, Buffer.alloc(3)])
    const fraction = Math.round((atMs % 1_000) * (nanoseconds ? 1_000_000 : 1_000))
    parts.push(...[Math.floor(atMs / 1_000), fraction, frame.length, frame.length].map(uint32), frame)
  }
  return Buffer.concat(parts)
}

const httpOf = (file: Buffer) => tcpStreams(readPcap(file), SERVER).map(httpDepartures)
const tlsOf = (file: Buffer) => tcpStreams(readPcap(file), SERVER).map(tlsDepartures)

const head = (key: string, more = '') => `POST /v1/x HTTP/1.1\r\nhost: h\r\nauthorization: Bearer ${key}\r\n${more}\r\n`

/** Returns the client's segments in sequence, beginning at this sequence number. */
function segments(client: number, startsAt: number, pieces: readonly (readonly [atMs: number, data: string])[]) {
  let sequence = startsAt + 1
  const packets: Packet[] = [{ atMs: (pieces[0]?.[0] ?? 0) - 1, client, sequence: startsAt, syn: true }]
  for (const [atMs, data] of pieces) {
    packets.push({ atMs, client, sequence, data })
    sequence += data.length
  }
  return packets
}

it.each([{ linkType: 1 }, { linkType: 0 }, { linkType: 1, nanoseconds: true }, { linkType: 1, bigEndian: true }])(
  'finds a request in one segment with its key and time: %j',
  (format) => {
    const file = pcapOf(segments(40_000, 7, [[1_700_000_000_123.5, head('sk-a')]]), format)
    expect(httpOf(file)).toEqual([[{ headAtMs: 1_700_000_000_123.5, wholeAtMs: 1_700_000_000_123.5, key: 'sk-a' }]])
  },
)

it('the headers and the last byte of a request have the times of the segments that complete them', () => {
  const request = head('sk-a', 'content-length: 10\r\n')
  const pieces = [
    [1_000, request.slice(0, 20)],
    [2_000, `${request.slice(20)}01234`],
    [63_000, '56789'],
  ] as const
  expect(httpOf(pcapOf(segments(40_000, 1, pieces)))).toEqual([[{ headAtMs: 2_000, wholeAtMs: 63_000, key: 'sk-a' }]])
})

it('a chunked request ends with its last chunk', () => {
  const request = head('sk-a', 'Transfer-Encoding: chunked\r\n')
  const pieces = [
    [1_000, `${request}3;note=1\r\nabc\r\n`],
    [2_000, 'a\r\n0123456789\r\n0\r'],
    [3_000, '\n\r\n'],
    [4_000, head('sk-a')],
  ] as const
  expect(httpOf(pcapOf(segments(40_000, 1, pieces)))).toEqual([
    [
      { headAtMs: 1_000, wholeAtMs: 3_000, key: 'sk-a' },
      { headAtMs: 4_000, wholeAtMs: 4_000, key: 'sk-a' },
    ],
  ])
})

it('an aborted request has headers and no end', () => {
  const pieces = [[1_000, `${head('sk-a', 'content-length: 10\r\n')}0123`]] as const
  expect(httpOf(pcapOf(segments(40_000, 1, pieces)))).toEqual([[{ headAtMs: 1_000, key: 'sk-a' }]])
})

it('finds both requests in one segment of a kept-alive connection', () => {
  const both = `${head('sk-a', 'content-length: 2\r\n')}ab${head('sk-b')}`
  expect(httpOf(pcapOf(segments(40_000, 1, [[1_000, both]])))).toEqual([
    [
      { headAtMs: 1_000, wholeAtMs: 1_000, key: 'sk-a' },
      { headAtMs: 1_000, wholeAtMs: 1_000, key: 'sk-b' },
    ],
  ])
})

it('retransmitted bytes count once, at their first time, even if segmented differently', () => {
  const request = head('sk-a')
  const [syn, first, second] = segments(40_000, 9, [
    [1_000, request.slice(0, 30)],
    [2_000, request.slice(30)],
  ]) as [Packet, Packet, Packet]
  const again = { ...first, atMs: 3_000, data: request.slice(0, 40) }
  const allAgain = { ...first, atMs: 4_000, data: request }
  expect(httpOf(pcapOf([syn, syn, first, second, again, allAgain]))).toEqual([
    [{ headAtMs: 2_000, wholeAtMs: 2_000, key: 'sk-a' }],
  ])
})

it('a segment that overtook another counts from when the gap before it is closed', () => {
  const request = head('sk-a')
  const [syn, first, second] = segments(40_000, 9, [
    [2_000, request.slice(0, 30)],
    [1_000, request.slice(30)],
  ]) as [Packet, Packet, Packet]
  expect(httpOf(pcapOf([syn, second, first]))).toEqual([[{ headAtMs: 2_000, wholeAtMs: 2_000, key: 'sk-a' }]])
})

it('sequence numbers wrap around from the largest to zero', () => {
  const request = head('sk-a')
  const pieces = [
    [1_000, request.slice(0, 30)],
    [2_000, request.slice(30)],
  ] as const
  const file = pcapOf(segments(40_000, 2 ** 32 - 20, pieces))
  expect(httpOf(file)).toEqual([[{ headAtMs: 2_000, wholeAtMs: 2_000, key: 'sk-a' }]])
})

it('separates interleaved connections, and a reused port begins another', () => {
  const a = head('sk-a')
  const b = head('sk-b')
  const ofA = segments(40_000, 100, [
    [1_000, a.slice(0, 30)],
    [3_000, a.slice(30)],
  ])
  const ofB = segments(40_001, 100, [
    [2_000, b.slice(0, 30)],
    [4_000, b.slice(30)],
  ])
  const interleaved = [...ofA, ...ofB].sort((one, other) => one.atMs - other.atMs)
  const later = segments(40_000, 5_000, [[9_000, head('sk-c')]])
  expect(httpOf(pcapOf([...interleaved, ...later]))).toEqual([
    [{ headAtMs: 3_000, wholeAtMs: 3_000, key: 'sk-a' }],
    [{ headAtMs: 4_000, wholeAtMs: 4_000, key: 'sk-b' }],
    [{ headAtMs: 9_000, wholeAtMs: 9_000, key: 'sk-c' }],
  ])
})

it('reads a connection that existed before the capture from its first segment', () => {
  const [, ...withoutSyn] = segments(40_000, 1, [[1_000, head('sk-a')]])
  expect(httpOf(pcapOf(withoutSyn))).toEqual([[{ headAtMs: 1_000, wholeAtMs: 1_000, key: 'sk-a' }]])
})

it('a retransmission that begins before the capture’s first byte counts from that byte on', () => {
  const request = head('sk-a')
  const first: Packet = { atMs: 1_000, client: 40_000, sequence: 1_000, data: request.slice(0, 30) }
  const again: Packet = { atMs: 2_000, client: 40_000, sequence: 990, data: `0123456789${request}` }
  expect(httpOf(pcapOf([first, again]))).toEqual([[{ headAtMs: 2_000, wholeAtMs: 2_000, key: 'sk-a' }]])
})

it('a request inside TLS begins with client data after server data, not with a handshake', () => {
  const record = (type: number, bytes = 20) => Buffer.concat([Buffer.from([type, 3, 3, 0, bytes]), Buffer.alloc(bytes)])
  const client: [number, Buffer][] = [
    [1_000, record(22)],
    [2_000, record(23)],
    [2_500, record(23)],
    [5_000, record(23)],
  ]
  const server: [number, Buffer][] = [
    [1_500, record(22)],
    [3_000, record(23)],
    [3_500, record(23)],
  ]
  const packets = [
    ...client.map(([atMs, data], index): Packet => ({ atMs, client: 40_000, sequence: 1 + index * 25, data })),
    ...server.map(
      ([atMs, data], index): Packet => ({ atMs, client: 40_000, from: 'server', sequence: 1 + index * 25, data }),
    ),
  ].sort((one, other) => one.atMs - other.atMs)
  const expected: Departure[] = [
    { headAtMs: 2_000, wholeAtMs: 2_500 },
    { headAtMs: 5_000, wholeAtMs: 5_000 },
  ]
  expect(tlsOf(pcapOf(packets))).toEqual([expected])
})

it('skips a packet that the capture did not write completely', () => {
  const file = pcapOf(
    segments(40_000, 1, [
      [1_000, head('sk-a')],
      [2_000, head('sk-a')],
    ]),
  )
  expect(httpOf(file.subarray(0, file.length - 30))).toEqual([[{ headAtMs: 1_000, wholeAtMs: 1_000, key: 'sk-a' }]])
})

it.each([
  ['the file is shorter than its header', Buffer.alloc(10)],
  ['the file is not in libpcap’s format', Buffer.alloc(24)],
  ['link type 105 is unknown', pcapOf([], { linkType: 105 })],
])('rejects a file that cannot be read: %s', (reason, file) => {
  expect(() => [...readPcap(file)]).toThrow(new CaptureFormatError(reason))
})
