import type { IncomingMessage } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { freshConnection } from '../support/fresh-connection.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { postJson } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startUnifiedPath } from '../support/unified-client.ts'

/** One conversation that goes from provider to provider, each response sent back as it came. */
const PROVIDERS = ['groq', 'anthropic', 'google', 'openai'] as const
type Provider = (typeof PROVIDERS)[number]

const ARGUMENTS = '{"user_id":1234567890123456789,"10":1.0,"2":1e400}'
const SCHEMA = '{"type":"object","properties":{"user_id":{"type":"integer","maximum":9223372036854775807}}}'

/** Responses with one tool call, and ids and fields of each provider's own. */
const RESPONSES: Readonly<Record<Provider, string>> = {
  groq: `{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"reasoning":"Hm.",
    "tool_calls":[{"id":"functions.f:0","type":"function","function":{"name":"f","arguments":${JSON.stringify(ARGUMENTS)}}}]}}]}`,
  anthropic: `{"type":"message","role":"assistant","stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1},
    "content":[{"type":"tool_use","id":"toolu_1","name":"f","input":${ARGUMENTS}}]}`,
  google: `{"candidates":[{"finishReason":"STOP","index":0,"content":{"role":"model",
    "parts":[{"functionCall":{"name":"f","args":${ARGUMENTS}}}]}}]}`,
  openai: `{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Done.","annotations":[]}}]}`,
}

let sent: Promise<string> = Promise.resolve('')

const path = startBeforeAll(() => startUnifiedPath('openai'))
const upstream = startBeforeAll(startRawUpstream)

it('continues a conversation with every provider without changing a digit, id or schema', async () => {
  const messages: unknown[] = [{ role: 'user', content: 'Who is it?' }]
  const texts = new Map<Provider, string>()
  for (const provider of PROVIDERS) {
    const { settings } = await freshConnection(path.gateway, path.apiKey, { provider, baseUrl: upstream.url })
    upstream.respond = (request: IncomingMessage, response) => {
      sent = textOf(request)
      void sent.then(() => response.setHeader('content-type', 'application/json').end(RESPONSES[provider]))
    }
    const body = `{"model":"${settings.name}/gemini-2.5-flash","messages":${JSON.stringify(messages)},
      "tools":[{"type":"function","function":{"name":"f","parameters":${SCHEMA}}}]}`
    const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, body)
    expect(clientResponse.status, clientResponse.body.toString()).toBe(200)
    texts.set(provider, await sent)
    const { message } = JSON.parse(clientResponse.body.toString()).choices[0]
    messages.push(message)
    for (const call of message.tool_calls ?? []) {
      expect(call.function.arguments).toBe(ARGUMENTS)
      messages.push({ role: 'tool', tool_call_id: call.id, content: '{"name":"Ann"}' })
    }
  }
  for (const [provider, text] of texts) {
    expect(text, provider).toContain(SCHEMA)
    const calls = PROVIDERS.indexOf(provider)
    const written = provider === 'openai' ? JSON.stringify(ARGUMENTS) : ARGUMENTS
    expect(text.split(written), provider).toHaveLength(calls + 1)
  }
  // OpenAI takes ids of tool calls of at most 40 characters.
  const ids = JSON.parse(texts.get('openai') ?? '').messages.flatMap(
    (message: { tool_calls?: { id: string }[] }) => message.tool_calls?.map(({ id }) => id) ?? [],
  )
  expect(ids).toHaveLength(3)
  for (const id of ids) expect(id.length).toBeLessThanOrEqual(40)
})
