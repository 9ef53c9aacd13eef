import { SluiceError } from '@sluice/contracts'
import { Type } from 'typebox'
import type { ProviderConfig, SecretHolder } from './provider-adapter.ts'

/**
 * Schema options of text that is sent in a request header: visible ASCII (RFC 9110, field values, without white space). Rejects line breaks,
 * which would end the header, and a space or newline that was copied along with a key.
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

/** A connection's config, by provider. Fields marked `writeOnly` are secret: they are stored encrypted and never returned. */
export const openAiConfig = Type.Object(
  {
    apiKey,
    /** Sent as `OpenAI-Organization`. */
    organization: Type.Optional(Type.String({ ...headerText, title: 'Organization id' })),
    /** Sent as `OpenAI-Project`. */
    project: Type.Optional(Type.String({ ...headerText, title: 'Project id' })),
    baseUrl,
    /** The header that carries the key: Azure, and API Management in front of it, take it in `api-key`. Absent: `Authorization: Bearer`. */
    apiKeyHeader: Type.Optional(
      Type.Union([Type.Literal('authorization'), Type.Literal('api-key')], { title: 'Header of the API key' }),
    ),
  },
  closed,
)

export const anthropicConfig = Type.Object({ apiKey, baseUrl }, closed)

export const googleConfig = Type.Object({ apiKey, baseUrl }, closed)

export const groqConfig = Type.Object({ apiKey, baseUrl }, closed)

/** Without a key: Bedrock is reached through a role only. The external id is generated with the connection. */
export const awsBedrockConfig = Type.Object(
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

/**
 * Returns the config's `baseUrl`, else the provider's own. Removes empty segments, a trailing slash and white space around it, which older
 * connections may have stored.
 */
export function configuredBaseUrl(config: ProviderConfig, ownUrl: string): string {
  if (typeof config.baseUrl !== 'string') return ownUrl
  return config.baseUrl
    .trim()
    .replace(/(?<!:)\/{2,}/g, '/')
    .replace(/\/$/, '')
}

/** Removes a suffix of the URL's path, however often it is repeated: every path of the provider begins with it again. */
export function withoutEnd(url: string, end: RegExp): string {
  let rest = url
  while (end.test(rest)) rest = rest.replace(end, '')
  return rest
}

/** Returns a secret field of the config. @throws SluiceError `credential_unavailable` when there is no such field */
export function revealField(config: ProviderConfig, name: string): string {
  const field = config[name]
  if (isSecretHolder(field)) return field.reveal()
  throw new SluiceError('credential_unavailable', `the connection's credential has no ${name}`)
}

function isSecretHolder(field: unknown): field is SecretHolder {
  return typeof field === 'object' && field !== null && 'reveal' in field && typeof field.reveal === 'function'
}
