import OpenAI from 'openai'
import { baseUrlOf, secretText, textOrNull } from './config-text.ts'
import { modelIds } from './model-ids.ts'
import type { Probe } from './probe.ts'

/** Lists the models, which every key may and which costs nothing. */
export const probeOpenAi: Probe = async ({ provider, config }, { fetch, signal }) => {
  const client = new OpenAI({
    apiKey: secretText(config, 'apiKey'),
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
