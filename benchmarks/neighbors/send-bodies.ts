import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorstBody } from './worst-bodies.ts'

export interface SendOptions {
  readonly port: number
  readonly apiKey: string
  /** Rate of body bytes of all requests together. */
  readonly bytesPerSecond: number
  /** The number of concurrent requests. */
  readonly parallel: number
  readonly signal: AbortSignal
}

export interface Sent {
  readonly megabytes: number
  /** The number of responses by status. */
  readonly statuses: ReadonlyMap<number, number>
}

/**
 * Sends the same request repeatedly until the signal is aborted, each over its own connection. A body is aborted when
 * its response arrives. Does not throw: a failed request is sent again.
 */
export async function sendBodies(worst: WorstBody, options: SendOptions): Promise<Sent> {
  const { bytesPerSecond, parallel, signal } = options
  const statuses = new Map<number, number>()
  const bytes = wireBytes(worst, options.apiKey)
  const beganAtMs = performance.now()
  let sentBytes = 0
  /** Resolves when the rate allows for this many more bytes. */
  const allowed = async (more: number): Promise<void> => {
    sentBytes += more
    const dueMs = (sentBytes / bytesPerSecond) * 1_000 - (performance.now() - beganAtMs)
    if (dueMs > 1) await sleep(dueMs, undefined, { signal }).catch(() => undefined)
  }
  const sender = async (): Promise<void> => {
    while (!signal.aborted) {
      const status = await sendOne(bytes, options, allowed)
      if (status !== undefined) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: parallel }, sender))
  return { megabytes: sentBytes / 1e6, statuses }
}

/** Returns the status of the response; undefined if there was none. */
function sendOne(
  bytes: Buffer,
  { port, signal }: SendOptions,
  allowed: (bytes: number) => Promise<void>,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let head = ''
    const end = (): void => {
      signal.removeEventListener('abort', end)
      socket.destroy()
      resolve(head === '' ? undefined : Number(head.split(' ', 2)[1]))
    }
    signal.addEventListener('abort', end)
    socket.on('error', end).on('close', end)
    socket.on('data', (data: Buffer) => {
      head += data.toString('latin1')
      end()
    })
    socket.once('connect', async () => {
      for (let at = 0; at < bytes.length && !socket.destroyed; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES)
        await allowed(piece.length)
        if (socket.destroyed) return
        // A destroyed socket calls back as well, with its error.
        await new Promise<void>((written) => socket.write(piece, () => written()))
      }
    })
  })
}

function wireBytes(
  { path, body, contentType = 'application/json', headers = {}, isByteByByte }: WorstBody,
  apiKey: string,
): Buffer {
  const fields = {
    host: 'localhost',
    authorization: `Bearer ${apiKey}`,
    'content-type': contentType,
    ...(isByteByByte === true ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }),
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  if (isByteByByte !== true) return Buffer.concat([head, body])
  const chunks = Array.from(body.toString('latin1'), (byte) => `1\r\n${byte}\r\n`)
  return Buffer.concat([head, Buffer.from(chunks.join(''), 'latin1'), Buffer.from('0\r\n\r\n')])
}

const PIECE_BYTES = 64 * 1024
