import { type Dispatcher, Pool } from 'undici'
import type { Contender } from './contenders.ts'

export interface ChatKind {
  readonly name: string
  readonly body: string
  /** The end of a complete response, without white space. */
  readonly ending: string
}

const REQUEST = {
  model: 'gpt-4o-mini',
  max_tokens: 256,
  temperature: 0.2,
  messages: [
    { role: 'system', content: 'You are a helpful assistant who answers in a few sentences.' },
    { role: 'user', content: 'How much flows through a sluice that is open by a hand’s breadth?' },
  ],
}

export const CHAT_KINDS: readonly ChatKind[] = [
  { name: 'plain', body: JSON.stringify(REQUEST), ending: '}' },
  { name: 'streamed', body: JSON.stringify({ ...REQUEST, stream: true }), ending: 'data: [DONE]' },
]

export interface ChatCaller {
  /** Resolves when the response has arrived. @throws Error if it is incomplete or its status is not 200 */
  call(): Promise<void>
  stop(): Promise<void>
}

/**
 * Calls a contender over as many kept-alive connections as there are callers, at the lowest cost that undici allows.
 */
export function chatCaller({ name, chatUrl, headers }: Contender, kind: ChatKind, callers: number): ChatCaller {
  const { origin, pathname } = new URL(chatUrl)
  const pool = new Pool(origin, { connections: callers })
  const request: Dispatcher.DispatchOptions = {
    method: 'POST',
    path: pathname,
    headers: { ...headers, 'content-type': 'application/json' },
    body: kind.body,
  }
  return {
    call: () =>
      new Promise((resolve, reject) => {
        let status = 0
        let end: Buffer = EMPTY
        pool.dispatch(request, {
          onRequestStart: () => undefined,
          onResponseStart: (_, code) => {
            status = code
          },
          onResponseData: (_, chunk) => {
            end = chunk
          },
          onResponseEnd: () => {
            if (status === 200 && end.toString().trimEnd().endsWith(kind.ending)) resolve()
            else reject(new Error(`${name} responded with ${status}: ${end.toString()}`))
          },
          onResponseError: (_, error) => reject(error),
        })
      }),
    stop: () => pool.destroy(),
  }
}

/** Returns why a contender does not serve this kind of request; undefined if it does. */
export async function faultOf(contender: Contender, kind: ChatKind): Promise<string | undefined> {
  const caller = chatCaller(contender, kind, 1)
  try {
    await caller.call()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await caller.stop()
  }
}

const EMPTY = Buffer.alloc(0)
