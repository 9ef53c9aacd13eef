import { simulatedEmbedding } from '../../core/simulated-embedding.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import { jsonResponse } from '../../wire/json-answer.ts'
import type { Reply } from '../simulated-provider.ts'
import { validationError } from './errors.ts'
import type { ModelRequest } from './model-route.ts'

/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
export function embedWithTitan({ json, model }: ModelRequest): Reply {
  const { inputText, dimensions = 1024 } = json
  if (typeof inputText !== 'string' || inputText === '') {
    return validationError(
      'Malformed input request: #: required key [inputText] not found, please reformat your input and try again.',
    )
  }
  if (dimensions !== 256 && dimensions !== 512 && dimensions !== 1024) {
    return validationError(
      'Malformed input request: #/dimensions: not one of 256, 512, 1024, please reformat your input and try again.',
    )
  }
  const inputTokens = tokensOfChars(inputText.length)
  return {
    charge: { model: model.id, inputTokens, outputTokens: 0 },
    answer() {
      const embedding = Array.from(simulatedEmbedding(inputText, dimensions))
      return jsonResponse({ embedding, embeddingsByType: { float: embedding }, inputTextTokenCount: inputTokens })
    },
  }
}
