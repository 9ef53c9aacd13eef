import { jsonResponse } from '../core/responses.ts'
import { simulatedEmbedding } from '../core/simulated-embedding.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { positiveInteger } from './chat-request.ts'
import { invalidRequest } from './errors.ts'
import { type ModelRequest, modelRoute } from './models.ts'
import { missingParameter } from './request-validation.ts'

/** https://platform.openai.com/docs/api-reference/embeddings/create */
export const embeddings = modelRoute('/v1/embeddings', 'embedding', ({ json, model, generation }) => {
  const inputs = readInputs(json.input)
  if (inputs === undefined) return missingParameter(json, 'input') ?? invalidRequest(400, INVALID_INPUT, 'input')
  const tokens = inputs.reduce((sum, input) => sum + tokensOf(input), 0)
  const dimensions = Math.min(positiveInteger(json.dimensions) ?? Number.POSITIVE_INFINITY, model.dimensions ?? 0)
  return {
    charge: { model: model.id, inputTokens: tokens, outputTokens: 0 },
    respond: () =>
      jsonResponse({
        object: 'list',
        data: inputs.map((input, index) => ({
          object: 'embedding',
          index,
          embedding: encode(simulatedEmbedding(JSON.stringify(input), dimensions), json.encoding_format),
        })),
        model: model.snapshot,
        ...(!generation.omitUsage && { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
      }),
  }
})

/** A text, or a list of token numbers. */
type Input = string | readonly number[]

const INVALID_INPUT =
  "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."

/** Reads one input, or a list of at least one; undefined if it is neither. */
function readInputs(input: ModelRequest['json'][string]): readonly Input[] | undefined {
  if (isInput(input)) return [input]
  return Array.isArray(input) && input.length > 0 && input.every(isInput) ? input : undefined
}

function isInput(value: unknown): value is Input {
  if (typeof value === 'string') return value !== ''
  return Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger)
}

function tokensOf(input: Input): number {
  return typeof input === 'string' ? tokensOfChars(input.length) : input.length
}

/** Base64, which the official SDK asks for, has the little-endian bytes of 32-bit floats. */
function encode(embedding: Float32Array, format: unknown): string | number[] {
  if (format !== 'base64') return Array.from(embedding)
  return Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString('base64')
}
