import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Target } from './odd-input.ts'

/** Requests as they should be, which must be answered as they should be, whatever else is said to the gateway meanwhile. */
export interface Canaries {
  readonly answered: Readonly<Record<string, number>>
  /** What was wrong with those that were not answered properly. */
  readonly failures: readonly string[]
  readonly slowestMs: number
  /** Resolves when those under way have ended. */
  stop(): Promise<void>
}

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

type Ask = (body: string, signal: AbortSignal) => Promise<Answer>

export function startCanaries(target: Target): Canaries {
  const answered: Record<string, number> = { 'HTTP/1.1': 0, 'HTTP/2': 0 }
  const failures: string[] = []
  const http1 = new Agent({ connections: 2 })
  const http2 = http2Asker(target)
  let slowestMs = 0
  let isStopped = false

  const sing = async (protocol: string, ask: Ask): Promise<void> => {
    for (let turn = 0; !isStopped; turn++) {
      const isStreamed = turn % 2 === 0
      const askedAtMs = performance.now()
      const fault = await faultOf(ask(bodyOf(isStreamed), AbortSignal.timeout(PATIENCE_MS)), isStreamed)
      slowestMs = Math.max(slowestMs, performance.now() - askedAtMs)
      if (fault === undefined) answered[protocol] = (answered[protocol] ?? 0) + 1
      else failures.push(`${protocol}: ${fault}`)
      await sleep(PAUSE_MS)
    }
  }
  const singing = Promise.all([
    sing('HTTP/1.1', (body, signal) => askHttp1(target, http1, body, signal)),
    sing('HTTP/2', http2.ask),
  ])
  return {
    answered,
    failures,
    get slowestMs() {
      return slowestMs
    },
    stop: async () => {
      isStopped = true
      await singing
      http2.close()
      await http1.close()
    },
  }
}

const PATIENCE_MS = 10_000
const PAUSE_MS = 10

function bodyOf(isStreamed: boolean): string {
  const messages = [{ role: 'user', content: 'What does a sluice do?' }]
  return JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 20, stream: isStreamed, messages })
}

/** What is wrong with an answer; undefined where nothing is. */
async function faultOf(answering: Promise<Answer>, isStreamed: boolean): Promise<string | undefined> {
  try {
    const { status, body } = await answering
    const isWhole = isStreamed ? body.endsWith('data: [DONE]\n\n') : Array.isArray(JSON.parse(body).choices)
    return status === 200 && isWhole ? undefined : `${status} ${body.slice(0, 200)}`
  } catch (error) {
    return String(error)
  }
}

const headersOf = ({ apiKey }: Target) => ({ authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' })

async function askHttp1(target: Target, dispatcher: Agent, body: string, signal: AbortSignal): Promise<Answer> {
  const url = target.url + target.chatPath
  const answer = await request(url, { method: 'POST', headers: headersOf(target), body, signal, dispatcher })
  return { status: answer.statusCode, body: await answer.body.text() }
}

/** Asks on one session as long as that lasts. */
function http2Asker(target: Target): { ask: Ask; close(): void } {
  let session: ClientHttp2Session | undefined
  const current = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(target.url)
      // Shows in the requests on it.
      session.on('error', () => undefined)
    }
    return session
  }
  return {
    ask: async (body, signal) => {
      const head = { ':method': 'POST', ':path': target.chatPath, ...headersOf(target) }
      const stream = current().request(head, { signal })
      stream.setEncoding('utf8').end(body)
      const responded = once(stream, 'response')
      const [[headers], pieces] = await Promise.all([responded, stream.toArray()])
      return { status: headers[':status'], body: pieces.join('') }
    },
    close: () => session?.close(),
  }
}
