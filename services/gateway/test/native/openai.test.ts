import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { chatSdk } from '../support/chat-sdk.ts'
import { chatSuite } from '../support/chat-suite.ts'
import { errorTypesOf, PROMPT } from '../support/native-sdk.ts'
import { nativeSuite } from '../support/native-suite.ts'

const MODEL = 'gpt-4.1-mini'

const { path, connect } = nativeSuite(
  chatSdk({ provider: 'openai', model: MODEL, clientOf, errorType: errorTypesOf(OpenAI) }),
)

async function connected() {
  const { baseURL, isCharged } = await connect()
  return { client: clientOf(baseURL, path().apiKey), isCharged }
}

chatSuite({
  model: MODEL,
  connect: async () => (await connected()).client.chat.completions,
  simulator: () => path().simulator,
})

it('sees nothing of the usage that the gateway requests', async () => {
  const { completions } = (await connected()).client.chat
  const messages = [{ role: 'user' as const, content: PROMPT }]
  const stream = await completions.create({ model: MODEL, messages, stream: true })
  for await (const chunk of stream) expect(chunk).not.toHaveProperty('usage')
})

it('gets responses, plain and streamed, which are charged as reported', async () => {
  const { client, isCharged } = await connected()
  const response = await client.responses.create({ model: MODEL, input: PROMPT })
  expect(response.output_text).toMatch(/^This/)
  let streamed: OpenAI.Responses.ResponseStreamEvent | undefined
  for await (const event of await client.responses.create({ model: MODEL, input: PROMPT, stream: true })) {
    streamed = event
  }
  expect(streamed?.type).toBe('response.completed')
  await isCharged({ requests: 2, tokens: 2 * (response.usage?.total_tokens ?? Number.NaN) })
})

it('creates embeddings, and lists models, which costs no tokens', async () => {
  const { client, isCharged } = await connected()
  const { data, usage } = await client.embeddings.create({ model: 'text-embedding-3-small', input: PROMPT })
  expect(data[0]?.embedding.length).toBeGreaterThan(0)
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL)
  await isCharged({ requests: 2, tokens: usage.total_tokens })
})

function clientOf(baseURL: string, apiKey: string, maxRetries = 0): OpenAI {
  return new OpenAI({ baseURL: `${baseURL}/v1`, apiKey, maxRetries })
}
