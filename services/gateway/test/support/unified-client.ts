import type { ProviderId } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import OpenAI from 'openai'
import { expect } from 'vitest'
import { type FreshConnection, freshConnection } from './fresh-connection.ts'
import { startDataPath } from './start-data-path.ts'
import type { ConnectionToMake, TestGateway } from './start-gateway.ts'

/** A gateway, a capacity instance and a simulated provider, for unified requests. */
export interface UnifiedPath {
  readonly gateway: TestGateway
  readonly simulator: ProviderSimulator
  readonly apiKey: string
  connect(settings?: Partial<ConnectionToMake>): Promise<FreshConnection>
  stop(): Promise<void>
}

export function clientOf({ gateway, apiKey }: Pick<UnifiedPath, 'gateway' | 'apiKey'>, key = apiKey): OpenAI {
  return new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
}

/** Resolves with the error of this type that a call raises. */
export async function raised<E extends Error>(
  failing: Promise<unknown>,
  type: new (...args: never[]) => E,
  message = /./,
): Promise<E> {
  const error = await failing.then(
    () => expect.fail('no error was raised'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(type)
  expect((error as E).message).toMatch(message)
  return error as E
}

/** Reads to the end; the text that came before a fault is in `texts`. */
export async function collect(stream: AsyncIterable<OpenAI.Chat.ChatCompletionChunk>, texts: string[] = []) {
  const chunks: OpenAI.Chat.ChatCompletionChunk[] = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    texts.push(textOf([chunk]))
  }
  return chunks
}

export function textOf(chunks: readonly OpenAI.Chat.ChatCompletionChunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
}

/** Starts the data path to a provider that authenticates by an API key. */
export async function startUnifiedPath(provider: Exclude<ProviderId, 'aws-bedrock'>): Promise<UnifiedPath> {
  const path = await startDataPath({ simulator: { provider, recordContent: true } })
  return {
    ...path,
    connect: (settings = {}) =>
      freshConnection(path.gateway, path.apiKey, { provider, baseUrl: path.simulator.url, ...settings }),
  }
}
