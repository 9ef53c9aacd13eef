import OpenAI, { APIError } from 'openai'

/** The outcome of one of the demo's requests. */
export interface RequestOutcome {
  readonly kind: 'plain' | 'streamed'
  readonly outcome: 'admitted' | 'denied' | 'failed'
  /** The length of the generated text, or the gateway's error message. */
  readonly detail: string
  /** The gateway's `retry-after-ms`; absent when the request was admitted. */
  readonly retryAfterMs?: number
  readonly durationMs: number
}

export interface DemoRequests {
  readonly gatewayUrl: string
  readonly connectionName: string
  readonly apiKey: string
  readonly count: number
}

/** Sends requests one after the other with the official SDK, the second of them streamed. */
export async function runRequests({
  gatewayUrl,
  connectionName,
  apiKey,
  count,
}: DemoRequests): Promise<RequestOutcome[]> {
  const client = new OpenAI({ apiKey, baseURL: `${gatewayUrl}/connections/${connectionName}/v1`, maxRetries: 0 })
  const outcomes: RequestOutcome[] = []
  for (let i = 0; i < count; i++) outcomes.push(await runRequest(client, i === 1 ? 'streamed' : 'plain'))
  return outcomes
}

async function runRequest(client: OpenAI, kind: RequestOutcome['kind']): Promise<RequestOutcome> {
  const startedAtMs = performance.now()
  const elapsedMs = () => performance.now() - startedAtMs
  try {
    const text = kind === 'plain' ? await responseOf(client) : await streamedResponseOf(client)
    return { kind, outcome: 'admitted', detail: `${text.length} characters of text`, durationMs: elapsedMs() }
  } catch (error) {
    if (!(error instanceof APIError)) throw error
    const retryAfter = error.headers?.get('retry-after-ms')
    return {
      kind,
      outcome: error.status === 429 ? 'denied' : 'failed',
      detail: error.message,
      durationMs: elapsedMs(),
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
