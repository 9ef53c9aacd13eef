import OpenAI, { APIError } from 'openai'
import { DEMO_NAME } from './prepare-demo.ts'

/** What one of the demo's requests got. */
export interface RequestOutcome {
  readonly kind: 'plain' | 'streamed'
  readonly outcome: 'admitted' | 'denied' | 'failed'
  /** The answer's length, or why there was none, in the gateway's words. */
  readonly detail: string
  /** When to come back, as the gateway says it; absent where it was admitted. */
  readonly retryAfterMs?: number
  readonly durationMs: number
}

/** Sends `count` requests one after the other with the official SDK, the second of them streamed. */
export async function runRequests(gatewayUrl: string, apiKey: string, count: number): Promise<RequestOutcome[]> {
  const client = new OpenAI({ apiKey, baseURL: `${gatewayUrl}/connections/${DEMO_NAME}/v1`, maxRetries: 0 })
  const outcomes: RequestOutcome[] = []
  for (let i = 0; i < count; i++) outcomes.push(await runRequest(client, i === 1 ? 'streamed' : 'plain'))
  return outcomes
}

async function runRequest(client: OpenAI, kind: RequestOutcome['kind']): Promise<RequestOutcome> {
  const startedAtMs = performance.now()
  const ended = () => performance.now() - startedAtMs
  try {
    const text = kind === 'plain' ? await responseOf(client) : await streamedResponseOf(client)
    return { kind, outcome: 'admitted', detail: `${text.length} characters of answer`, durationMs: ended() }
  } catch (error) {
    if (!(error instanceof APIError)) throw error
    const retryAfter = error.headers?.get('retry-after-ms')
    return {
      kind,
      outcome: error.status === 429 ? 'denied' : 'failed',
      detail: error.message,
      durationMs: ended(),
      ...(retryAfter == null ? {} : { retryAfterMs: Number(retryAfter) }),
    }
  }
}

const request = {
  model: 'gpt-4o-mini',
  max_tokens: 64,
  messages: [{ role: 'user' as const, content: 'What does a sluice do?' }],
}

async function responseOf(client: OpenAI): Promise<string> {
  const completion = await client.chat.completions.create(request)
  return completion.choices[0]?.message.content ?? ''
}

async function streamedResponseOf(client: OpenAI): Promise<string> {
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  return text
}
