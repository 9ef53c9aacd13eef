import { jsonResponse } from '../../wire/json-answer.ts'
import { inputTokensOf } from './message.ts'
import { countTokensSchemas } from './message-schema.ts'
import { modelRoute } from './model-request.ts'

/** https://platform.claude.com/docs/en/api/messages-count-tokens: has limits of its own, which are not simulated. */
export const countTokens = modelRoute('/v1/messages/count_tokens', countTokensSchemas, ({ json }) => ({
  answer: () => jsonResponse({ input_tokens: inputTokensOf(json) }),
}))
