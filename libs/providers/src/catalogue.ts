import type { ProviderId } from '@sluice/contracts'
import type { TObject, TSchema } from 'typebox'
import { anthropicConfig, awsBedrockConfig, googleConfig, groqConfig, openAiConfig } from './provider-config.ts'

/** What an operator needs to create a connection to a provider. */
export interface CatalogueEntry {
  readonly id: ProviderId
  readonly name: string
  /** JSON schema of a connection's `config` in the admin API. */
  readonly config: TObject
  /** The provider's documentation on getting a credential. */
  readonly docsUrl: string
  /** Each connection gets a unique, generated `externalId` in its config (AWS: the role's trust policy requires it). */
  readonly generatesExternalId?: true
}

/** Every provider, in display order. */
export const CATALOGUE: Readonly<Record<ProviderId, CatalogueEntry>> = {
  openai: {
    id: 'openai',
    name: 'OpenAI',
    config: openAiConfig,
    docsUrl: 'https://platform.openai.com/docs/api-reference/authentication',
  },
  anthropic: {
    id: 'anthropic',
    name: 'Anthropic',
    config: anthropicConfig,
    docsUrl: 'https://docs.claude.com/en/api/overview',
  },
  google: {
    id: 'google',
    name: 'Google Gemini',
    config: googleConfig,
    docsUrl: 'https://ai.google.dev/gemini-api/docs/api-key',
  },
  groq: {
    id: 'groq',
    name: 'Groq',
    config: groqConfig,
    docsUrl: 'https://console.groq.com/docs/quickstart',
  },
  'aws-bedrock': {
    id: 'aws-bedrock',
    name: 'AWS Bedrock',
    config: awsBedrockConfig,
    docsUrl: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html',
    generatesExternalId: true,
  },
}

/** Returns a provider's entry; undefined where there is no such provider. */
export function catalogueEntry(provider: unknown): CatalogueEntry | undefined {
  return typeof provider === 'string' && Object.hasOwn(CATALOGUE, provider)
    ? CATALOGUE[provider as ProviderId]
    : undefined
}

/** Returns the names of the secret fields of `config`. */
export function secretFields({ config }: CatalogueEntry): string[] {
  return Object.entries<TSchema & { readonly writeOnly?: boolean }>(config.properties)
    .filter(([, schema]) => schema.writeOnly === true)
    .map(([field]) => field)
}
