import { type AwsSimulator, startAwsSimulator } from '@sluice/aws-simulator'
import { type ProviderId, type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import type { Canaries } from './canaries.ts'

/** The request for each provider with an API key; `path` is below its connection. */
export interface KeyedProvider {
  readonly id: Exclude<ProviderId, 'aws-bedrock'>
  readonly keyPrefix: string
  readonly model: string
  readonly path: (model: string, isStream: boolean) => string
  readonly body: (model: string, prompt: string, isStream: boolean) => object
  readonly headers?: Readonly<Record<string, string>>
}

const chatBody: KeyedProvider['body'] = (model, prompt, isStream) => ({
  model,
  messages: [{ role: 'user', content: prompt }],
  ...(isStream ? { stream: true } : {}),
})

export const KEYED_PROVIDERS: readonly KeyedProvider[] = [
  { id: 'openai', keyPrefix: 'sk-proj-', model: 'gpt-4o-mini', path: () => '/v1/chat/completions', body: chatBody },
  {
    id: 'anthropic',
    keyPrefix: 'sk-ant-',
    model: 'claude-sonnet-4-5',
    path: () => '/v1/messages',
    body: (...request) => ({ ...chatBody(...request), max_tokens: 50 }),
    headers: { 'anthropic-version': '2023-06-01' },
  },
  {
    id: 'google',
    keyPrefix: 'AIza',
    model: 'gemini-2.5-flash',
    path: (model, isStream) =>
      `/v1beta/models/${model}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: (_model, prompt) => ({ contents: [{ role: 'user', parts: [{ text: prompt }] }] }),
  },
  {
    id: 'groq',
    keyPrefix: 'gsk_',
    model: 'llama-3.3-70b-versatile',
    path: () => '/openai/v1/chat/completions',
    body: chatBody,
  },
]

export interface SimulatedProviders {
  readonly of: (id: ProviderId) => ProviderSimulator
  /** Issues the sessions for Bedrock. */
  readonly aws: AwsSimulator
  stop(): Promise<void>
}

/**
 * Starts a simulator of each provider, which accepts that provider's key in `canaries` and repeats any other key in
 * full.
 */
export async function startSimulatedProviders(canaries: Canaries): Promise<SimulatedProviders> {
  const keyed = KEYED_PROVIDERS.map(async ({ id, keyPrefix }): Promise<[ProviderId, ProviderSimulator]> => {
    const accounts = [{ apiKey: canaries.make(`key of ${id}`, keyPrefix) }]
    const simulator = await startProviderSimulator({ provider: id, accounts })
    simulator.controls.add({ echoApiKey: true })
    return [id, simulator]
  })
  const bedrock = await startProviderSimulator({ provider: 'aws-bedrock', recordContent: true })
  const aws = await startAwsSimulator()
  const simulators = new Map<ProviderId, ProviderSimulator>([...(await Promise.all(keyed)), ['aws-bedrock', bedrock]])
  return {
    of: (id) => simulators.get(id) ?? bedrock,
    aws,
    stop: async () => {
      await Promise.all([...simulators.values(), aws].map((simulator) => simulator.stop()))
    },
  }
}
