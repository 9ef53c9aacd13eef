import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Behavior, Fault } from '../core/controls.ts'
import type { Chunk, ProviderResponse, StreamError, StreamResponse } from '../core/responses.ts'

export interface Delivery {
  readonly behavior: Behavior
  /** Called when the headers are sent: some say how long that took. */
  headers(): OutgoingHttpHeaders
  /** Called before the simulator itself destroys the connection. */
  onBreakOff(): void
}

/**
 * Sends a response with the delays and faults of the behavior. Resolves when nothing more will be sent: if it hangs,
 * when the client disconnects.
 */
export async function sendResponse(
  connection: ServerResponse,
  response: ProviderResponse,
  delivery: Delivery,
): Promise<void> {
  const { fault, latencyMs, chunkDelayMs } = delivery.behavior
  if (latencyMs) await pause(connection, latencyMs)
  if (fault?.kind === 'hang-before-headers') await closed(connection)
  if (connection.destroyed) return
  if (fault?.kind === 'break-before-headers') {
    delivery.onBreakOff()
    connection.destroy()
    return
  }

  if (response.kind === 'body') {
    const length = Buffer.byteLength(response.body)
    connection.writeHead(response.status, { ...response.headers, ...delivery.headers(), 'content-length': length })
    if (!isInterruption(fault)) {
      connection.end(response.body)
      return
    }
    await sendChunks(connection, halves(response.body), 0, { fault, delivery })
    return
  }
  connection.writeHead(response.status, { ...response.headers, ...delivery.headers() })
  const chunks = fault?.kind === 'error-mid-stream' ? withError(response, fault.afterChunks, fault) : response.chunks
  const interruption = isInterruption(fault) ? { fault, delivery } : undefined
  await sendChunks(connection, chunks, chunkDelayMs ?? 0, interruption)
}

interface Interruption {
  readonly fault: Extract<Fault, { kind: 'hang-mid-stream' | 'break-mid-stream' }>
  readonly delivery: Delivery
}

function isInterruption(fault: Fault | undefined): fault is Interruption['fault'] {
  return fault?.kind === 'hang-mid-stream' || fault?.kind === 'break-mid-stream'
}

function* withError(response: StreamResponse, afterChunks: number, error: StreamError): Generator<Chunk> {
  let sent = 0
  for (const chunk of response.chunks) {
    if (sent === afterChunks) {
      yield response.errorChunk(error)
      return
    }
    yield chunk
    sent += 1
  }
}

async function sendChunks(
  connection: ServerResponse,
  chunks: Iterable<Chunk>,
  delayMs: number,
  interruption: Interruption | undefined,
): Promise<void> {
  let sent = 0
  for (const chunk of chunks) {
    if (interruption !== undefined && sent === interruption.fault.afterChunks) {
      return interrupt(connection, interruption, chunk)
    }
    if (delayMs > 0 && sent > 0) await pause(connection, delayMs)
    if (connection.destroyed) return
    if (!connection.write(chunk)) await drained(connection)
    sent += 1
  }
  connection.end()
}

async function interrupt(
  connection: ServerResponse,
  { fault, delivery }: Interruption,
  nextChunk: Chunk,
): Promise<void> {
  connection.flushHeaders()
  if (fault.kind === 'hang-mid-stream') {
    await closed(connection)
    return
  }
  if (fault.partialChunk) connection.write(nextChunk.slice(0, Math.ceil(nextChunk.length / 2)))
  // Destroying the connection drops unflushed bytes: the callback of an empty write says when all are flushed.
  await new Promise<void>((resolve) => {
    if (connection.socket === null) resolve()
    else connection.socket.write('', () => resolve())
  })
  delivery.onBreakOff()
  connection.destroy()
}

function halves(body: string): readonly string[] {
  const middle = Math.ceil(body.length / 2)
  return [body.slice(0, middle), body.slice(middle)]
}

/** Waits, but no longer than the client stays connected. */
function pause(connection: ServerResponse, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      connection.off('close', finish)
      resolve()
    }
    const timer = setTimeout(finish, durationMs)
    connection.once('close', finish)
  })
}

function closed(connection: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (connection.destroyed) resolve()
    else connection.once('close', resolve)
  })
}

function drained(connection: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      connection.off('drain', finish)
      connection.off('close', finish)
      resolve()
    }
    connection.once('drain', finish)
    connection.once('close', finish)
  })
}
