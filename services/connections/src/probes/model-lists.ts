import Anthropic from '@anthropic-ai/sdk'
import { Groq } from 'groq-sdk'
import OpenAI from 'openai'
import { baseUrlOf, modelIds, type Probe, secretText, textOrNull } from './probe.ts'

/** Lists the models, which every key may and which costs nothing. */
export const probeOpenAi: Probe = async ({ provider, config }, { fetch, signal }) => {
  const apiKey = secretText(config, 'apiKey')
  const client = new OpenAI({
    apiKey,
    // The SDK leaves out a header that is null.
    ...(config.apiKeyHeader === 'api-key' ? { defaultHeaders: { authorization: null, 'api-key': apiKey } } : {}),
    adminAPIKey: null,
    organization: textOrNull(config, 'organization'),
    project: textOrNull(config, 'project'),
    baseURL: baseUrlOf(provider, config),
    fetch,
    maxRetries: 0,
    logLevel: 'off',
  })
  const { data } = await client.models.list({ signal })
  return modelIds(data)
}

/** Lists the models, which every key may and which costs nothing. */
export const probeAnthropic: Probe = async ({ provider, config }, { fetch, signal }) => {
  const apiKey = secretText(config, 'apiKey')
  const client = new Anthropic({
    apiKey,
    authToken: null,
    // As the gateway sends it: the SDK has it as a bearer token, which servers that only speak Anthropic's API need not take. The SDK leaves
    // out a header that is null.
    defaultHeaders: { authorization: null, 'x-api-key': apiKey },
    baseURL: baseUrlOf(provider, config),
    fetch,
    maxRetries: 0,
    logLevel: 'off',
  })
  const { data } = await client.models.list({ limit: MOST_A_PAGE }, { signal })
  return modelIds(data)
}

/** @see https://docs.claude.com/en/api/models-list */
const MOST_A_PAGE = 1_000

/** Lists the models, which every key may and which costs nothing. */
export const probeGroq: Probe = async ({ provider, config }, { fetch, signal }) => {
  const client = new Groq({
    apiKey: secretText(config, 'apiKey'),
    // The SDK's own paths begin with it.
    baseURL: baseUrlOf(provider, config).replace(/\/openai\/v1$/, ''),
    fetch,
    maxRetries: 0,
    logLevel: 'off',
  })
  const { data } = await client.models.list({ signal })
  return modelIds(data)
}
