import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import Groq from 'groq-sdk'
import { describe, expect, it } from 'vitest'
import { anthropic } from './anthropic.ts'
import { bedrock } from './bedrock.ts'
import { MODELS, PROMPT } from './client.ts'
import { clientSuite } from './client-suite.ts'
import { genai, generativeAi } from './google.ts'
import { groq } from './groq.ts'
import { useSystem } from './start-system.ts'

const system = useSystem()

for (const tested of [anthropic, groq, genai, generativeAi, bedrock]) clientSuite(tested, system)

describe('what costs no tokens', () => {
  const connect = async (provider: 'anthropic' | 'google' | 'groq') => {
    const connection = await system().connect({ provider })
    return { connection, baseURL: `${system().gatewayUrl}/connections/${connection.name}` }
  }

  it('@anthropic-ai/sdk counts tokens and lists models', async () => {
    const { connection, baseURL } = await connect('anthropic')
    const client = new Anthropic({ apiKey: connection.apiKey, baseURL })
    const counted = await client.messages.countTokens({
      model: MODELS.anthropic,
      messages: [{ role: 'user', content: PROMPT }],
    })
    expect(counted.input_tokens).toBeGreaterThan(0)
    expect((await client.models.list()).data.length).toBeGreaterThan(1)
    expect(await connection.charged()).toEqual({ requests: 2, tokens: 0 })
  })

  it('@google/genai counts tokens and lists models', async () => {
    const { connection, baseURL: baseUrl } = await connect('google')
    const ai = new GoogleGenAI({ apiKey: connection.apiKey, httpOptions: { baseUrl } })
    const { totalTokens } = await ai.models.countTokens({ model: MODELS.google, contents: PROMPT })
    expect(totalTokens).toBeGreaterThan(0)
    const models = await Array.fromAsync(await ai.models.list())
    expect(models.map(({ name }) => name)).toContain(`models/${MODELS.google}`)
    expect((await connection.charged()).tokens).toBe(0)
  })

  it('groq-sdk lists models', async () => {
    const { connection, baseURL } = await connect('groq')
    const client = new Groq({ apiKey: connection.apiKey, baseURL })
    expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODELS.groq)
    expect(await connection.charged()).toEqual({ requests: 1, tokens: 0 })
  })
})
