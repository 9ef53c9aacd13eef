import { Groq } from 'groq-sdk'
import { baseUrlOf, secretText } from './config-text.ts'
import { modelIds } from './model-ids.ts'
import type { Probe } from './probe.ts'

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
