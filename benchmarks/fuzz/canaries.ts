import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Target } from './odd-input.ts'

/** Valid requests, which must get the expected response whatever else is sent to the gateway at the same time. */
export interface Canaries {
  readonly succeeded: Readonly<Record<string, number>>
  /** Descriptions of the responses that were not as expected. */
  readonly failures: readonly string[]
  readonly slowestMs: number
  /** Resolves when the requests in progress have ended. */
  stop(): Promise<void>
}

interface ChatResponse {
  readonly status: number | undefined
  readonly body: string
}

type Ask = (body: string, signal: AbortSignal) => Promise<ChatResponse>

export function startCanaries(target: Target): Canaries {
  const succeeded: Record<string, number> = { 'HTTP/1.1': 0, 'HTTP/2': 0 }
  const failures: string[] = []
  const http1 = new Agent({ connections: 2 })
  const http2 = http2Asker(target)
  let slowestMs = 0
  let isStopped = false

  const sing = async (protocol: string, ask: Ask): Promise<void> => {
    for (let turn = 0; !isStopped; turn++) {
      const isStreamed = turn % 2 === 0
      const sentAtMs = performance.now()
      const fault = await faultOf(ask(bodyOf(isStreamed), AbortSignal.timeout(PATIENCE_MS)), isStreamed)
      slowestMs = Math.max(slowestMs, performance.now() - sentAtMs)
      if (fault === undefined) succeeded[protocol] = (succeeded[protocol] ?? 0) + 1
      else failures.push(`${protocol}: ${fault}`)
      await sleep(PAUSE_MS)
    }
  }
  const singing = Promise.all([
    sing('HTTP/1.1', (body, signal) => askHttp1(target, http1, body, signal)),
    sing('HTTP/2', http2.ask),
  ])
  return {
    succeeded,
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

/** Describes what is wrong with a response; undefined if nothing is. */
async function faultOf(responding: Promise<ChatResponse>, isStreamed: boolean): Promise<string | undefined> {
  try {
    const { status, body } = await responding
    const isWhole = isStreamed ? body.endsWith('data: [DONE]\n\n') : Array.isArray(JSON.parse(body).choices)
    return status === 200 && isWhole ? undefined : `${status} ${body.slice(0, 200)}`
  } catch (error) {
    return String(error)
  }
}

const headersOf = ({ apiKey }: Target) => ({ authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' })

async function askHttp1(target: Target, dispatcher: Agent, body: string, signal: AbortSignal): Promise<ChatResponse> {
  const url = target.url + target.chatPath
  const response = await request(url, { method: 'POST', headers: headersOf(target), body, signal, dispatcher })
  return { status: response.statusCode, body: await response.body.text() }
}

/** Sends requests on one session as long as it lasts. */
function http2Asker(target: Target): { ask: Ask; close(): void } {
  let session: ClientHttp2Session | undefined
  const current = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(target.url)
      // The requests on the session fail, which is reported.
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
