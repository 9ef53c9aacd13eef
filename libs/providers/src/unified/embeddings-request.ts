import { shapeErrors } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { Refusal } from '../unified-api.ts'
import { refuse, refuseParameter } from './refusal.ts'

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
  const asked = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const foreign = Object.keys(asked).find((name) => !Object.hasOwn(EmbeddingsRequest.properties, name))
  if (foreign !== undefined) return refuseParameter(foreign, provider)
  const [error] = shapeErrors(EmbeddingsRequest, asked)
  return error === undefined
    ? (asked as EmbeddingsRequest)
    : refuse(error.field, `The parameter "${error.field}" ${error.message}.`)
}

/** The texts to embed, in order. */
export function embeddingInputs({ input }: EmbeddingsRequest): string[] {
  return typeof input === 'string' ? [input] : input
}

/** One vector in the form that was asked for: numbers, or the base64 of 32-bit floats, little-endian. */
export function encodeEmbedding(vector: readonly number[], { encoding_format: format }: EmbeddingsRequest) {
  if (format !== 'base64') return vector
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

const FLOAT_BYTES = 4
