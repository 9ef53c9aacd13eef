import { jsonResponse } from '../../wire/json-answer.ts'
import type { Answer, ProviderRoute } from '../simulated-provider.ts'
import { type Conversation, conversationObject, converse } from './conversation.ts'
import { conversationFrames } from './conversation-events.ts'
import { converseProblem } from './converse-problem.ts'
import { validationError } from './errors.ts'
import { frameStream } from './event-frames.ts'
import { modelRoute } from './model-route.ts'
import { outputSchemaProblem } from './output-schema.ts'
import { reasoningProblem } from './reasoning.ts'

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, plain and streamed. */
export const converseRoutes: readonly ProviderRoute[] = [
  converseRoute('converse', (conversation) => jsonResponse(conversationObject(conversation))),
  converseRoute('converse-stream', (conversation) => frameStream(conversationFrames(conversation))),
]

function converseRoute(operation: string, send: (conversation: Conversation) => Answer): ProviderRoute {
  return modelRoute(operation, ({ json, model, generation }) => {
    if (model.kind === 'titan-embedding') {
      return validationError(`The model ${model.id} doesn't support the Converse API.`)
    }
    const problem = converseProblem(json, model) ?? outputSchemaProblem(json, model) ?? reasoningProblem(json, model)
    if (problem !== undefined) return validationError(problem)
    const conversation = converse(json, model, generation)
    const { inputTokens, outputTokens } = conversation
    return { charge: { model: model.id, inputTokens, outputTokens }, answer: () => send(conversation) }
  })
}
