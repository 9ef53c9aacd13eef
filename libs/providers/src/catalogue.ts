import type { ProviderId } from '@sluice/contracts'
import { type TObject, type TSchema, Type } from 'typebox'

/** Everything that an operator needs to create a connection to a provider. */
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

/**
 * Schema options of text that is sent in a request header: visible ASCII (RFC 9110, field values, without white space).
 * Rejects line breaks, which would end the header, and a space or newline that was copied along with a key.
 */
const headerText = {
  minLength: 1,
  maxLength: 4_096,
  pattern: '^[\\x21-\\x7e]*$',
  errorMessage:
    'must be 1 to 4096 visible ASCII characters without spaces or line breaks: check for a copied space or newline, an ellipsis, or empty text',
}

const apiKey = Type.String({ ...headerText, title: 'API key', writeOnly: true })

/** Replaces the provider's own address. `baseUrlFault` of libs/egress validates it. */
const baseUrl = Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, title: 'Base URL' }))

const closed = { additionalProperties: false } as const

/**
 * A connection's config, by provider. Fields marked `writeOnly` are secret: they are stored encrypted and never
 * returned.
 */
const openAiConfig = Type.Object(
  {
    apiKey,
    /** Sent as `OpenAI-Organization`. */
    organization: Type.Optional(Type.String({ ...headerText, title: 'Organization id' })),
    /** Sent as `OpenAI-Project`. */
    project: Type.Optional(Type.String({ ...headerText, title: 'Project id' })),
    baseUrl,
    /**
     * The header that carries the key: Azure, and API Management in front of it, take it in `api-key`. Absent:
     * `Authorization: Bearer`.
     */
    apiKeyHeader: Type.Optional(
      Type.Union([Type.Literal('authorization'), Type.Literal('api-key')], { title: 'Header of the API key' }),
    ),
  },
  closed,
)

const keyConfig = Type.Object({ apiKey, baseUrl }, closed)

/** Without a key: Bedrock is reached through a role only. The external id is generated with the connection. */
const awsBedrockConfig = Type.Object(
  {
    region: Type.String({
      pattern: '^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$',
      title: 'AWS region',
      errorMessage: 'must be an AWS region, such as "eu-central-1"',
    }),
    iamRoleArn: Type.String({
      maxLength: 2_048,
      pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$',
      title: 'ARN of the role to assume',
      errorMessage: 'must be the ARN of an IAM role, such as "arn:aws:iam::444455556666:role/sluice"',
    }),
    baseUrl,
  },
  closed,
)

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
    config: keyConfig,
    docsUrl: 'https://docs.claude.com/en/api/overview',
  },
  google: {
    id: 'google',
    name: 'Google Gemini',
    config: keyConfig,
    docsUrl: 'https://ai.google.dev/gemini-api/docs/api-key',
  },
  groq: {
    id: 'groq',
    name: 'Groq',
    config: keyConfig,
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
