import { type Static, Type } from 'typebox'
import type { AskedResponse, Refusal } from '../unified-api.ts'
import { withoutNulls } from './message-history.ts'
import { readShape, refuse, refuseParameter } from './refusal.ts'

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

/** What an answer tells: vectors in the order of the inputs. */
export interface Vectors {
  readonly vectors: readonly (readonly number[])[]
  /** Undefined where the answer does not tell. */
  readonly inputTokens?: number | undefined
}

/** The answer to an embeddings request. Usage that is not told is left out. Undefined where there is not one vector an input. */
export function embeddingList(told: Vectors | undefined, { model, embeddings }: AskedResponse): object | undefined {
  if (told === undefined || told.vectors.length !== embeddings?.count) return undefined
  const { inBase64 } = embeddings
  const { vectors, inputTokens } = told
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: inBase64 ? base64(vector) : vector,
    })),
    model,
    ...(inputTokens === undefined ? {} : { usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
  }
}

/** A vector as 32-bit floats, little-endian. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

const FLOAT_BYTES = 4
