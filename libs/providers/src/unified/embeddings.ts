import { type Static, Type } from 'typebox'
import type { Refusal, RequestedResponse } from '../unified-api.ts'
import { withoutNulls } from './message-history.ts'
import { readShape, refuse, refuseParameter } from './refusal.ts'

/** @see https://platform.openai.com/docs/api-reference/embeddings/create */
export type EmbeddingsRequest = Static<typeof EmbeddingsRequest>
export const EmbeddingsRequest = Type.Object(
  {
    model: Type.String(),
    /** Text only: other providers do not take OpenAI's tokens. */
    input: Type.Union([
      Type.String({ minLength: 1 }),
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 2_048 }),
    ]),
    dimensions: Type.Optional(Type.Integer({ minimum: 1 })),
    encoding_format: Type.Optional(Type.Union([Type.Literal('float'), Type.Literal('base64')])),
  },
  { additionalProperties: false },
)

/** Validates the body of an embeddings request. @param provider its display name */
export function readEmbeddingsRequest(
  body: Readonly<Record<string, unknown>>,
  provider: string,
): EmbeddingsRequest | Refusal {
  const requested = withoutNulls(body)
  const foreign = Object.keys(requested).find((name) => !Object.hasOwn(EmbeddingsRequest.properties, name))
  if (foreign !== undefined) return refuseParameter(foreign, provider)
  if (isTokens(requested.input)) return refuse('input', tokensRefused(provider))
  return readShape(EmbeddingsRequest, requested)
}

/** Returns whether the input is a list of OpenAI's tokens, or of such lists. */
function isTokens(input: unknown): boolean {
  if (!Array.isArray(input)) return false
  const first: unknown = input[0]
  return typeof first === 'number' || (Array.isArray(first) && typeof first[0] === 'number')
}

function tokensRefused(provider: string): string {
  return (
    `The parameter "input" must be a string or an array of strings: ${provider} does not take tokens of OpenAI's tokenizer. ` +
    'With LangChain, set check_embedding_ctx_length=False on OpenAIEmbeddings.'
  )
}

/** Returns the texts to embed, in order. */
export function embeddingInputs({ input }: EmbeddingsRequest): string[] {
  return typeof input === 'string' ? [input] : input
}

/** The vectors of a response, in the order of the inputs. */
export interface Vectors {
  readonly vectors: readonly (readonly number[])[]
  /** Undefined where the response does not report them. */
  readonly inputTokens?: number | undefined
}

/**
 * Returns the response to an embeddings request; undefined where the number of vectors differs from that of the inputs.
 */
export function embeddingList(
  returned: Vectors | undefined,
  { model, embeddings }: RequestedResponse,
): object | undefined {
  if (returned === undefined || returned.vectors.length !== embeddings?.count) return undefined
  const { inBase64 } = embeddings
  const { vectors, inputTokens } = returned
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

/** Encodes a vector as 32-bit little-endian floats. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

const FLOAT_BYTES = 4
