import { inputTokensOf } from './content-tokens.ts'
import { contentsProblem } from './contents-problem.ts'
import { invalidRequest } from './errors.ts'
import type { ModelMethod } from './model-method.ts'
import { prettyResponse } from './pretty-answer.ts'
import { protoMessage } from './proto-json.ts'

/** https://ai.google.dev/api/tokens: of contents alone, or of a whole request. Costs nothing. */
export const countTokens: ModelMethod = ({ json }) => {
  const counted = json.generateContentRequest === undefined ? json : protoMessage(json.generateContentRequest)
  const problem = contentsProblem(counted.contents)
  if (problem !== undefined) return invalidRequest(problem)
  const totalTokens = inputTokensOf(counted)
  const promptTokensDetails = [{ modality: 'TEXT', tokenCount: totalTokens }]
  return { answer: () => prettyResponse({ totalTokens, promptTokensDetails }) }
}
