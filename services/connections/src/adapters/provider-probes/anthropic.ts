import Anthropic from '@anthropic-ai/sdk'
import { baseUrlOf, secretText } from './config-text.ts'
import { modelIds } from './model-ids.ts'
import type { Probe } from './probe.ts'

/** Lists the models, which every key may and which costs nothing. */
export const probeAnthropic: Probe = async ({ provider, config }, { fetch, signal }) => {
  const client = new Anthropic({
    apiKey: secretText(config, 'apiKey'),
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
