import Groq from 'groq-sdk'
import { expect, it } from 'vitest'
import { chatSdk } from '../support/chat-sdk.ts'
import { chatSuite } from '../support/chat-suite.ts'
import { errorTypesOf } from '../support/native-sdk.ts'
import { nativeSuite } from '../support/native-suite.ts'

const MODEL = 'llama-3.3-70b-versatile'

const { path, connect } = nativeSuite(
  chatSdk({ provider: 'groq', model: MODEL, clientOf, errorType: errorTypesOf(Groq) }),
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

it('lists models, which costs a request but no tokens', async () => {
  const { client, isCharged } = await connected()
  const { data } = await client.models.list()
  expect(data.map(({ id }) => id)).toContain(MODEL)
  await isCharged({ requests: 1, tokens: 0 })
})

function clientOf(baseURL: string, apiKey: string, maxRetries = 0): Groq {
  return new Groq({ baseURL, apiKey, maxRetries })
}
