import Anthropic from '@anthropic-ai/sdk'
import { Groq } from 'groq-sdk'
import OpenAI from 'openai'
import { baseUrlOf, modelIds, type Probe, secretText, textOrNull } from './probe.ts'

// Each lists the models, which every key may do and which costs nothing.

export const probeOpenAi: Probe = async ({ provider, config }, { fetch, signal }) => {
  const apiKey = secretText(config, 'apiKey')
  const client = new OpenAI({
    apiKey,
    // The SDK omits a header that is null.
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

export const probeAnthropic: Probe = async ({ provider, config }, { fetch, signal }) => {
  const apiKey = secretText(config, 'apiKey')
  const client = new Anthropic({
    apiKey,
    authToken: null,
    // As the gateway sends it; servers with Anthropic's API need not accept the SDK's bearer token. The SDK omits a
    // header that is null.
    defaultHeaders: { authorization: null, 'x-api-key': apiKey },
    baseURL: baseUrlOf(provider, config),
    fetch,
    maxRetries: 0,
    logLevel: 'off',
  })
  const { data } = await client.models.list({ limit: MAX_PAGE_SIZE }, { signal })
  return modelIds(data)
}

/** @see https://docs.claude.com/en/api/models-list */
const MAX_PAGE_SIZE = 1_000

export const probeGroq: Probe = async ({ provider, config }, { fetch, signal }) => {
  const client = new Groq({
    apiKey: secretText(config, 'apiKey'),
    // The SDK adds this path itself.
    baseURL: baseUrlOf(provider, config).replace(/\/openai\/v1$/, ''),
    fetch,
    maxRetries: 0,
    logLevel: 'off',
  })
  const { data } = await client.models.list({ signal })
  return modelIds(data)
}
