import type { ProviderSimulator } from '@sluice/provider-simulator'
import { describe, expect, it } from 'vitest'
import type { ChatChunk, ChatCompletions, ChatMessage, ChatToolCall } from './chat-client.ts'
import { IMAGE_BASE64, PROMPT } from './native-sdk.ts'

export interface ChatSuiteOptions {
  readonly model: string
  /** Returns the chat completions of a new connection. */
  connect(): Promise<ChatCompletions>
  simulator(): ProviderSimulator
}

/** Declares the tests of chats for OpenAI's SDK and those modeled on it. */
export function chatSuite({ model, connect, simulator }: ChatSuiteOptions): void {
  const messages: ChatMessage[] = [{ role: 'user', content: PROMPT }]

  describe('tools', () => {
    const parameters = { type: 'object', properties: { gate: { type: 'string' } }, required: ['gate'] }
    const tools = [{ type: 'function' as const, function: { name: 'get_level', parameters } }]
    const forced = { model, messages, tools, tool_choice: 'required' as const }

    it('are called, and accept results', async () => {
      const completions = await connect()
      const [choice] = (await completions.create(forced)).choices
      expect(choice?.finish_reason).toBe('tool_calls')
      const calls = choice?.message.tool_calls as ChatToolCall[]
      expect(calls.map((call) => JSON.parse(call.function.arguments))).toEqual([{ gate: expect.any(String) }])
      const conversation: ChatMessage[] = [
        ...messages,
        { role: 'assistant', content: null, tool_calls: calls },
        ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '3 m' })),
      ]
      const next = await completions.create({ model, tools, messages: conversation })
      expect(next.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
    })

    it('are called in a stream', async () => {
      const chunks = await collect(await (await connect()).create({ ...forced, stream: true }))
      const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
      expect(deltas.flatMap((delta) => delta.function?.name ?? [])).toEqual(['get_level'])
      const text = deltas.map((delta) => delta.function?.arguments ?? '').join('')
      expect(JSON.parse(text)).toEqual({ gate: expect.any(String) })
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
    })
  })

  it('accepts images', async () => {
    const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE_BASE64}` } }
    const content = [image, { type: 'text' as const, text: PROMPT }]
    await (await connect()).create({ model, messages: [{ role: 'user', content }] })
    expect(JSON.parse(simulator().requests.list()[0]?.content?.body ?? '').messages[0].content).toEqual(content)
  })

  it('gets the usage chunk of a stream if it requests it, and only then', async () => {
    const completions = await connect()
    const chatRequest = { model, messages, stream: true as const }
    const withoutUsage = await collect(await completions.create(chatRequest))
    expect(withoutUsage.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] })
    const requested = await collect(
      await completions.create({ ...chatRequest, stream_options: { include_usage: true } }),
    )
    expect(requested.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 16 } })
  })
}

async function collect(stream: AsyncIterable<ChatChunk>): Promise<ChatChunk[]> {
  const chunks: ChatChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}
