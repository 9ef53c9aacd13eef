import { type Conversation, conversationOf } from './conversation.ts'
import { bodyOf, methodOf, oddFields, pathOf, type Target, validFields } from './odd-input.ts'
import type { Random } from './random.ts'

/** Generates one to three HTTP/1.1 requests on one connection, each valid or malformed to some degree. */
export function http1Conversation(random: Random, target: Target): Conversation {
  const requests = Array.from({ length: 1 + random.int(3) }, () => request(random, target))
  return conversationOf(random, 'http1', Buffer.concat(requests))
}

const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTCPCP/1.0',
  '',
] as const
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r'] as const

function request(random: Random, target: Target): Buffer {
  const isValid = random.isTrue(0.5)
  const chance = isValid ? 0.1 : 0.5
  const { fields: framing, body } = framed(random, bodyOf(random, chance), chance)
  const fields = [...(isValid ? validFields(random, target) : oddFields(random, target, 5)), ...framing]
  if (isValid || random.isTrue(0.8)) fields.push(['host', 'gateway'])
  const lineEnd = isValid ? '\r\n' : random.pick(LINE_ENDS)
  const lines = [
    `${methodOf(random, chance)} ${pathOf(random, target, chance)} ${isValid ? 'HTTP/1.1' : random.pick(VERSIONS)}`,
  ]
  for (const [name, value] of fields)
    lines.push(!isValid && random.isTrue(0.02) ? `${name} ${value}` : `${name}: ${value}`)
  return Buffer.concat([Buffer.from(lines.join(lineEnd) + lineEnd + lineEnd, 'latin1'), body])
}

const LENGTHS = ['-1', '', '0x10', '1e3', '5, 5', '9007199254740993', '+5'] as const
const CHUNK_SIZES = ['', '-1', 'ffffffffffffffff', '5;x=y', '0x5', 'g', `5;${'x'.repeat(20_000)}`] as const

function framed(random: Random, body: Buffer, chance: number): { fields: [string, string][]; body: Buffer } {
  const length: [string, string] = ['content-length', String(body.length)]
  if (!random.isTrue(chance)) return { fields: [length], body }
  switch (random.int(10)) {
    case 0:
      return { fields: [], body }
    case 1:
      return { fields: [['content-length', String(random.int(body.length * 2 + 1))]], body }
    case 2:
      return { fields: [['content-length', random.pick(LENGTHS)]], body }
    case 3:
      return { fields: [length, ['transfer-encoding', 'chunked']], body: chunked(random, body) }
    case 4:
    case 5:
    case 6:
      return { fields: [['transfer-encoding', 'chunked']], body: chunked(random, body) }
    default:
      return { fields: [length], body }
  }
}

function chunked(random: Random, body: Buffer): Buffer {
  const size = random.isTrue(0.2) ? random.pick(CHUNK_SIZES) : body.length.toString(16)
  const trailers = random.isTrue(0.2) ? 'x-trailer: 1\r\n:path: /\r\n' : ''
  const end = random.isTrue(0.8) ? `\r\n0\r\n${trailers}\r\n` : '\r\n'
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from(end)])
}
