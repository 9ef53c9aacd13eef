import { Type } from 'typebox'

/**
 * Text that goes into a request header as it is: visible ASCII (RFC 9110, field values, without white space). It keeps line breaks
 * out, which would end the header, and the blank or newline that is copied along with a key.
 */
const headerText = {
  minLength: 1,
  maxLength: 4_096,
  pattern: '^[\\x21-\\x7e]*$',
  errorMessage:
    'must be 1 to 4096 visible ASCII characters without spaces and line breaks: was one copied along, or is the text empty or cut by an ellipsis?',
}

const apiKey = Type.String({ ...headerText, title: 'API key', writeOnly: true })

/** In place of the provider's own address. What may stand here: `base-url.ts`. */
const baseUrl = Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, title: 'Base URL' }))

const closed = { additionalProperties: false } as const

/** Config of a connection by provider. Fields marked `writeOnly` are secret: they are stored encrypted and never answered. */
export const openAiConfig = Type.Object(
  {
    apiKey,
    /** Sent as `OpenAI-Organization`. */
    organization: Type.Optional(Type.String({ ...headerText, title: 'Organization id' })),
    /** Sent as `OpenAI-Project`. */
    project: Type.Optional(Type.String({ ...headerText, title: 'Project id' })),
    baseUrl,
    /** In which header the key goes: Azure, and API management before it, take it in `api-key`. Absent: `Authorization: Bearer`. */
    apiKeyHeader: Type.Optional(
      Type.Union([Type.Literal('authorization'), Type.Literal('api-key')], { title: 'Header of the API key' }),
    ),
  },
  closed,
)

export const anthropicConfig = Type.Object({ apiKey, baseUrl }, closed)

export const googleConfig = Type.Object({ apiKey, baseUrl }, closed)

export const groqConfig = Type.Object({ apiKey, baseUrl }, closed)

/** No key: Bedrock is reached by role only. The external id is not given, it is made with the connection. */
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
