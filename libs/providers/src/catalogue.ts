import type { ProviderId } from '@sluice/contracts'
import type { TObject, TSchema } from 'typebox'
import { anthropicConfig, awsBedrockConfig, googleConfig, groqConfig, openAiConfig } from './provider-config.ts'

/** What an operator needs to know of a provider to make a connection to it. */
export interface CatalogueEntry {
  readonly id: ProviderId
  readonly name: string
  /** JSON schema of a connection's `config`, as operators send it. */
  readonly config: TObject
  /** Where the provider documents how to get a credential. */
  readonly docsUrl: string
  /** Its connections get an `externalId` in their config, made once and unique to each (AWS: the role's trust policy asks for it). */
  readonly generatesExternalId?: true
}

/** Every provider, in the order to show them. */
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

/** The entry of `provider`, or undefined where there is no such provider. */
export function catalogueEntry(provider: unknown): CatalogueEntry | undefined {
  return typeof provider === 'string' && Object.hasOwn(CATALOGUE, provider)
    ? CATALOGUE[provider as ProviderId]
    : undefined
}

/** The fields of `config` that are secret. */
export function secretFields({ config }: CatalogueEntry): string[] {
  return Object.entries<TSchema & { readonly writeOnly?: boolean }>(config.properties)
    .filter(([, schema]) => schema.writeOnly === true)
    .map(([field]) => field)
}
