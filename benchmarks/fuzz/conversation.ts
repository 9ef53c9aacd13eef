import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { FRAME } from './http2-frames.ts'
import type { Random } from './random.ts'

/** The data sent on one connection. */
export interface Conversation {
  readonly protocol: 'http1' | 'http2'
  /** Each is one write. */
  readonly pieces: readonly Buffer[]
  /**
   * The way the client closes the connection: by an end, by a reset, or only after the other side has closed it or been
   * quiet for a while.
   */
  readonly leaving: 'end' | 'reset' | 'listen'
}

const LEAVING = ['end', 'reset', 'listen', 'listen'] as const

/** Splits the bytes into one or several writes, some truncated or with changed bytes. */
export function conversationOf(random: Random, protocol: Conversation['protocol'], bytes: Buffer): Conversation {
  let bytesToSend = bytes
  if (random.isTrue(0.1)) bytesToSend = bytesToSend.subarray(0, random.int(bytesToSend.length + 1))
  if (random.isTrue(0.1) && bytesToSend.length > 0) {
    bytesToSend = Buffer.from(bytesToSend)
    for (let changes = random.int(3); changes >= 0; changes--)
      bytesToSend[random.int(bytesToSend.length)] = random.int(256)
  }
  const pieces: Buffer[] = []
  const isSplit = random.isTrue(0.3)
  const longest = random.isTrue(0.2) ? 3 : 200
  for (let at = 0; at < bytesToSend.length; ) {
    // A bounded number of pieces, so that a long input does not take too long.
    const length = isSplit && pieces.length < MAX_PIECES ? 1 + random.int(longest) : bytesToSend.length
    pieces.push(bytesToSend.subarray(at, at + length))
    at += length
  }
  return { protocol, pieces, leaving: random.pick(LEAVING) }
}

const MAX_PIECES = 100

/**
 * Sends a conversation; resolves with the beginning of the response when the connection is closed, which the client does when it was quiet
 * for `quietMs`.
 */
export function converse(url: string, { pieces, leaving }: Conversation, quietMs: number): Promise<Buffer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const received: Buffer[] = []
    let bytes = 0
    const socket = connect({ host: hostname, port: Number(port) })
    const quiet = setTimeout(() => socket.destroy(), quietMs)
    const atMost = setTimeout(() => socket.destroy(), LONGEST_MS)
    socket.setNoDelay()
    socket.on('data', (piece: Buffer) => {
      quiet.refresh()
      if (bytes < KEPT_BYTES) received.push(piece)
      bytes += piece.length
    })
    // The other side may close it in any way.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(quiet)
      clearTimeout(atMost)
      resolve(Buffer.concat(received))
    })
    const send = async (): Promise<void> => {
      for (const piece of pieces) {
        if (socket.destroyed) return
        socket.write(piece)
        quiet.refresh()
        await turn()
      }
      if (leaving === 'end') socket.end()
      else if (leaving === 'reset') socket.resetAndDestroy()
    }
    socket.on('connect', () => void send())
  })
}

const LONGEST_MS = 3_000
const KEPT_BYTES = 64 * 1024

/** Summarizes a response: by the first HTTP/1.1 status, or by the types of HTTP/2 frames. */
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
