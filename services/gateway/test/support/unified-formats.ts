import type { ProviderId } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { FreshConnection } from './fresh-connection.ts'
import type { ConnectionToMake } from './start-gateway.ts'
import type { UnifiedPath } from './unified-client.ts'

/** One provider behind the unified endpoint. */
export interface UnifiedProvider {
  readonly provider: ProviderId
  readonly model: string
  /** One that the simulated provider has not, and how its refusal names it. */
  readonly missing: { readonly model: string; readonly status: 400 | 404 }
  /** A parameter of OpenAI's that it has nothing for; absent for a provider that speaks OpenAI's API itself. */
  readonly refuses?: { readonly parameter: string; readonly value: unknown }
  readonly reasoning: {
    readonly model: string
    /** The field of a message that has the thoughts; absent where they are only counted. */
    readonly shownAs?: 'reasoning_content' | 'reasoning'
    /** Whether the usage distinguishes them. */
    readonly isCounted: boolean
  }
  /** A model that refuses the request for reasoning; absent if all models reason. */
  readonly withoutReasoning?: string
  readonly embeddingModel?: string
  start(): Promise<UnifiedPath>
}

/** Makes a connection, and a client and a request for it. */
export type UnifiedConnect = (settings?: Partial<ConnectionToMake>) => Promise<
  FreshConnection & {
    readonly completions: OpenAI.Chat.Completions
    readonly request: {
      readonly model: string
      readonly max_tokens: number
      readonly messages: OpenAI.Chat.ChatCompletionMessageParam[]
    }
    readonly name: string
  }
>

/** Adds a control of the simulated provider, for calls of models only. */
export type UnifiedControl = (control: Parameters<ProviderSimulator['controls']['add']>[0]) => void

export const LEVEL_FORMAT = {
  type: 'json_schema' as const,
  json_schema: {
    name: 'level',
    strict: true,
    schema: {
      type: 'object',
      properties: { gate: { type: 'string' }, metres: { type: 'number' }, tide: { enum: ['ebb', 'flood'] } },
      required: ['gate', 'metres', 'tide'],
      additionalProperties: false,
    },
  },
}

export const LEVEL_TOOL = {
  type: 'function' as const,
  function: {
    name: 'get_level',
    description: 'The level of the water at a gate.',
    parameters: { type: 'object', properties: { gate: { type: 'string' } }, required: ['gate'] },
  },
}

/** Declares the tests of responses in JSON by a schema. */
export function structuredOutputSuite(connect: UnifiedConnect): void {
  describe('structured output', () => {
    it('matches the schema, whole and streamed', async () => {
      const { completions, request } = await connect()
      const chatRequest = { ...request, response_format: LEVEL_FORMAT }
      const whole = await completions.parse(chatRequest)
      const streamed = await completions.stream(chatRequest).finalChatCompletion()
      for (const { choices } of [whole, streamed]) {
        expect(choices[0]).toMatchObject({ finish_reason: 'stop' })
        expect(choices[0]?.message.parsed).toEqual({
          gate: expect.any(String),
          metres: expect.any(Number),
          tide: 'ebb',
        })
      }
      expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content)
    })

    it('reports that it was cut off at the maximum', async () => {
      const { completions, request } = await connect()
      const { choices } = await completions.create({ ...request, max_tokens: 5, response_format: LEVEL_FORMAT })
      expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: expect.stringMatching(/^\{/) } })
    })
  })
}

/** Declares the tests of reasoning models. */
export function reasoningSuite(
  { reasoning, withoutReasoning }: UnifiedProvider,
  connect: UnifiedConnect,
  control: UnifiedControl,
  lastSent: () => string | undefined,
): void {
  const { shownAs, isCounted } = reasoning
  /** Returns a request for a reasoning model; one with a tool prompts its call, since not all reasoning models can be forced to. */
  const connectToReason = async () => {
    const { request, name, ...connection } = await connect()
    const { max_tokens: _, ...kept } = request
    const model = `${name}/${reasoning.model}`
    const reasoned = { ...kept, model, max_completion_tokens: 2_000, reasoning_effort: 'low' as const }
    return { ...connection, request: reasoned, name }
  }

  describe('reasoning', () => {
    it('is returned if requested, whole and streamed, and charged', async () => {
      const { completions, request, isCharged } = await connectToReason()
      const whole = await completions.create(request)
      const chunks: OpenAI.Chat.ChatCompletionChunk[] = []
      const chatRequest = { ...request, stream: true as const, stream_options: { include_usage: true } }
      for await (const chunk of await completions.create(chatRequest)) chunks.push(chunk)
      expect(whole.choices[0]?.message.content).toMatch(/^This answer comes/)
      const thoughts = chunks.map(({ choices }) => thoughtOf(choices[0]?.delta, shownAs) ?? '').join('')
      expect(thoughts).toBe(thoughtOf(whole.choices[0]?.message, shownAs) ?? '')
      expect(thoughts).toMatch(shownAs === undefined ? /^$/ : /^A simulated provider/)
      const usages = [whole.usage, chunks.at(-1)?.usage]
      for (const usage of usages) {
        expect(usage?.completion_tokens).toBeGreaterThan(16)
        if (isCounted) expect(usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0)
      }
      await isCharged({ requests: 2, tokens: 2 * (whole.usage?.total_tokens ?? Number.NaN) })
    })

    it.each(['whole', 'streamed'])(
      'goes on from a tool’s result, where the %s message goes back as it came',
      async (how) => {
        const { completions, request } = await connectToReason()
        const chatRequest = { ...request, tools: [LEVEL_TOOL] }
        control({ times: 1, callTools: true })
        const response =
          how === 'whole'
            ? await completions.create(chatRequest)
            : await completions.stream(chatRequest).finalChatCompletion()
        const message = response.choices[0]?.message
        expect(response.choices[0]?.finish_reason).toBe('tool_calls')
        const results = (message?.tool_calls ?? []).map(({ id }) => ({
          role: 'tool' as const,
          tool_call_id: id,
          content: '3 m',
        }))
        const messages = [...request.messages, ...(message === undefined ? [] : [message]), ...results]
        const next = await completions.create({ ...chatRequest, messages })
        expect(next.choices[0]).toMatchObject({
          finish_reason: 'stop',
          message: { content: expect.stringMatching(/^This answer comes/) },
        })
        // The translated providers sign their reasoning, and get the signature back.
        if (shownAs !== 'reasoning_content') return
        const [, signature = 'no signature'] = /signature":"([^"]+)"/.exec(JSON.stringify(message)) ?? []
        expect(lastSent()).toContain(signature)
      },
    )

    if (withoutReasoning !== undefined) {
      it('is refused by a model without reasoning', async () => {
        const { completions, request, name } = await connectToReason()
        const failing = completions.create({ ...request, model: `${name}/${withoutReasoning}` })
        await expect(failing).rejects.toBeInstanceOf(OpenAI.BadRequestError)
        await expect(failing).rejects.toThrow(/reason|think/i)
      })
    }
  })
}

/** Returns the reasoning in a message or a delta. */
function thoughtOf(said: object | undefined, field: string | undefined): unknown {
  return field === undefined ? undefined : Object.entries(said ?? {}).find(([name]) => name === field)?.[1]
}
