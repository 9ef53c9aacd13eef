import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Fault } from '../core/control.ts'
import type { Behaviour } from '../core/controls.ts'
import type { Answer } from '../providers/simulated-provider.ts'

export interface Delivery {
  readonly behaviour: Behaviour
  /** Called when the headers go out, for those that say how long it took. */
  headers(): OutgoingHttpHeaders
  /** Called before the simulator itself destroys the connection. */
  onBreakOff(): void
}

/** Sends an answer as the behaviour wants it. Resolves when nothing more will be sent; a hang, when the client goes. */
export async function sendAnswer(response: ServerResponse, answer: Answer, delivery: Delivery): Promise<void> {
  const { fault, latencyMs, chunkDelayMs } = delivery.behaviour
  if (latencyMs) await pause(response, latencyMs)
  if (fault?.kind === 'hang-before-headers') await closed(response)
  if (response.destroyed) return
  if (fault?.kind === 'break-before-headers') {
    delivery.onBreakOff()
    response.destroy()
    return
  }

  const interruption = fault?.kind === 'hang-mid-stream' || fault?.kind === 'break-mid-stream' ? fault : undefined
  if (answer.kind === 'body') {
    const length = Buffer.byteLength(answer.body)
    response.writeHead(answer.status, { ...answer.headers, ...delivery.headers(), 'content-length': length })
    if (interruption === undefined) {
      response.end(answer.body)
      return
    }
    await sendChunks(response, halves(answer.body), 0, interruption, delivery)
    return
  }
  response.writeHead(answer.status, { ...answer.headers, ...delivery.headers() })
  await sendChunks(response, answer.chunks, chunkDelayMs ?? 0, interruption, delivery)
}

type Interruption = Extract<Fault, { kind: 'hang-mid-stream' | 'break-mid-stream' }>

async function sendChunks(
  response: ServerResponse,
  chunks: Iterable<string | Uint8Array>,
  delayMs: number,
  interruption: Interruption | undefined,
  delivery: Delivery,
): Promise<void> {
  let sent = 0
  for (const chunk of chunks) {
    if (sent === interruption?.afterChunks) return interrupt(response, interruption, chunk, delivery)
    if (delayMs > 0 && sent > 0) await pause(response, delayMs)
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
    sent += 1
  }
  response.end()
}

async function interrupt(
  response: ServerResponse,
  interruption: Interruption,
  nextChunk: string | Uint8Array,
  delivery: Delivery,
): Promise<void> {
  response.flushHeaders()
  if (interruption.kind === 'hang-mid-stream') {
    await closed(response)
    return
  }
  if (interruption.partialChunk) response.write(nextChunk.slice(0, Math.ceil(nextChunk.length / 2)))
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
