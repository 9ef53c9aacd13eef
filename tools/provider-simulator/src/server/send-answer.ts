import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Fault } from '../core/control.ts'
import type { Behaviour } from '../core/controls.ts'
import type { Answer, Chunk, StreamError, StreamResponse } from '../providers/simulated-provider.ts'

export interface Delivery {
  readonly behaviour: Behaviour
  /** Called when the headers go out, for those that say how long it took. */
  headers(): OutgoingHttpHeaders
  /** Called before the simulator itself destroys the connection. */
  onBreakOff(): void
}

/** Sends an answer as the behaviour wants it. Resolves when nothing more will be sent; a hang, when the client goes. */
export async function sendResponse(response: ServerResponse, answer: Answer, delivery: Delivery): Promise<void> {
  const { fault, latencyMs, chunkDelayMs } = delivery.behaviour
  if (latencyMs) await pause(response, latencyMs)
  if (fault?.kind === 'hang-before-headers') await closed(response)
  if (response.destroyed) return
  if (fault?.kind === 'break-before-headers') {
    delivery.onBreakOff()
    response.destroy()
    return
  }

  if (answer.kind === 'body') {
    const length = Buffer.byteLength(answer.body)
    response.writeHead(answer.status, { ...answer.headers, ...delivery.headers(), 'content-length': length })
    if (!isInterruption(fault)) {
      response.end(answer.body)
      return
    }
    await sendChunks(response, halves(answer.body), 0, { fault, delivery })
    return
  }
  response.writeHead(answer.status, { ...answer.headers, ...delivery.headers() })
  const chunks = fault?.kind === 'error-mid-stream' ? withError(answer, fault.afterChunks, fault) : answer.chunks
  const interruption = isInterruption(fault) ? { fault, delivery } : undefined
  await sendChunks(response, chunks, chunkDelayMs ?? 0, interruption)
}

interface Interruption {
  readonly fault: Extract<Fault, { kind: 'hang-mid-stream' | 'break-mid-stream' }>
  readonly delivery: Delivery
}

function isInterruption(fault: Fault | undefined): fault is Interruption['fault'] {
  return fault?.kind === 'hang-mid-stream' || fault?.kind === 'break-mid-stream'
}

function* withError(answer: StreamResponse, afterChunks: number, error: StreamError): Generator<Chunk> {
  let sent = 0
  for (const chunk of answer.chunks) {
    if (sent === afterChunks) {
      yield answer.errorChunk(error)
      return
    }
    yield chunk
    sent += 1
  }
}

async function sendChunks(
  response: ServerResponse,
  chunks: Iterable<Chunk>,
  delayMs: number,
  interruption: Interruption | undefined,
): Promise<void> {
  let sent = 0
  for (const chunk of chunks) {
    if (interruption !== undefined && sent === interruption.fault.afterChunks) {
      return interrupt(response, interruption, chunk)
    }
    if (delayMs > 0 && sent > 0) await pause(response, delayMs)
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
    sent += 1
  }
  response.end()
}

async function interrupt(response: ServerResponse, { fault, delivery }: Interruption, nextChunk: Chunk): Promise<void> {
  response.flushHeaders()
  if (fault.kind === 'hang-mid-stream') {
    await closed(response)
    return
  }
  if (fault.partialChunk) response.write(nextChunk.slice(0, Math.ceil(nextChunk.length / 2)))
  // Destroying drops what is not flushed yet: an empty write behind it says when it is.
  await new Promise<void>((resolve) => {
    if (response.socket === null) resolve()
    else response.socket.write('', () => resolve())
  })
  delivery.onBreakOff()
  response.destroy()
}

function halves(body: string): readonly string[] {
  const middle = Math.ceil(body.length / 2)
  return [body.slice(0, middle), body.slice(middle)]
}

/** Waits, but no longer than the client does. */
function pause(response: ServerResponse, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      response.off('close', finish)
      resolve()
    }
    const timer = setTimeout(finish, durationMs)
    response.once('close', finish)
  })
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) resolve()
    else response.once('close', resolve)
  })
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      response.off('drain', finish)
      response.off('close', finish)
      resolve()
    }
    response.once('drain', finish)
    response.once('close', finish)
  })
}
