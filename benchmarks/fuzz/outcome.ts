import type { Conversation } from './conversation.ts'
import { FRAME } from './http2-frames.ts'

/** What came back, in a few words: by the first response of HTTP/1.1, or by the frames of HTTP/2. */
export function outcomeOf(protocol: Conversation['protocol'], received: Buffer): string {
  const prefix = protocol === 'http1' ? 'HTTP/1.1' : 'HTTP/2'
  if (received.length === 0) return `${prefix}: nothing`
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(received.toString('latin1', 0, 20))?.[1]
  if (status !== undefined) return `${prefix}: ${status}${protocol === 'http2' ? ' of HTTP/1.1' : ''}`
  if (protocol === 'http1') return `${prefix}: something else`
  const types = frameTypes(received)
  const seen = KINDS.filter(([type]) => types.has(type)).map(([, name]) => name)
  return `${prefix}: ${seen.length === 0 ? 'settings only' : seen.join(' + ')}`
}

const KINDS = [
  [FRAME.headers, 'responses'],
  [FRAME.rstStream, 'resets'],
  [FRAME.goaway, 'goaway'],
] as const

function frameTypes(received: Buffer): Set<number> {
  const types = new Set<number>()
  for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3))
    types.add(received.readUInt8(at + 3))
  return types
}
