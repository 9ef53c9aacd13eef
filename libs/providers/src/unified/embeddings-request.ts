import { type Static, Type } from 'typebox'
import type { Refusal } from '../unified-api.ts'
import { readShape } from './read-shape.ts'
import { refuse, refuseParameter } from './refusal.ts'
import { withoutNulls } from './without-nulls.ts'

/** @see https://platform.openai.com/docs/api-reference/embeddings/create */
export type EmbeddingsRequest = Static<typeof EmbeddingsRequest>
export const EmbeddingsRequest = Type.Object(
  {
    model: Type.String(),
    /** Text only: other providers take no tokens of OpenAI's. */
    input: Type.Union([
      Type.String({ minLength: 1 }),
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 2_048 }),
    ]),
    dimensions: Type.Optional(Type.Integer({ minimum: 1 })),
    encoding_format: Type.Optional(Type.Union([Type.Literal('float'), Type.Literal('base64')])),
  },
  { additionalProperties: false },
)

/** An embeddings request's body, or what is wrong with it. @param provider its name, as people read it */
export function readEmbeddingsRequest(
  body: Readonly<Record<string, unknown>>,
  provider: string,
): EmbeddingsRequest | Refusal {
  const asked = withoutNulls(body)
  const foreign = Object.keys(asked).find((name) => !Object.hasOwn(EmbeddingsRequest.properties, name))
  if (foreign !== undefined) return refuseParameter(foreign, provider)
  if (isTokens(asked.input)) return refuse('input', tokensRefused(provider))
  return readShape(EmbeddingsRequest, asked)
}

/** Tokens of OpenAI's, or lists of them. */
function isTokens(input: unknown): boolean {
  if (!Array.isArray(input)) return false
  const first: unknown = input[0]
  return typeof first === 'number' || (Array.isArray(first) && typeof first[0] === 'number')
}

function tokensRefused(provider: string): string {
  return (
    `The parameter "input" must be text, a string or an array of strings: ${provider} does not know the tokens of OpenAI's tokenizer. ` +
    "LangChain's OpenAIEmbeddings sends text with check_embedding_ctx_length=False."
  )
}

/** The texts to embed, in order. */
export function embeddingInputs({ input }: EmbeddingsRequest): string[] {
  return typeof input === 'string' ? [input] : input
}
