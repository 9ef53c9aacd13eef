import OpenAI from 'openai'
import { baseUrlOf, secretText, textOrNull } from './config-text.ts'
import { modelIds } from './model-ids.ts'
import type { Probe } from './probe.ts'

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
