import Anthropic from '@anthropic-ai/sdk'
import { baseUrlOf, secretText } from './config-text.ts'
import { modelIds } from './model-ids.ts'
import type { Probe } from './probe.ts'

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
