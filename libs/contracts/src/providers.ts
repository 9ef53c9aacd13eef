import { type Static, Type } from 'typebox'

export type ProviderId = Static<typeof ProviderId>
export const ProviderId = Type.Union([
  Type.Literal('openai'),
  Type.Literal('anthropic'),
  Type.Literal('google'),
  Type.Literal('groq'),
  Type.Literal('aws-bedrock'),
])
