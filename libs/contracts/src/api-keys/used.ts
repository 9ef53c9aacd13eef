import { Type } from 'typebox'
import { defineEvent } from '../define.ts'
import { responses } from '../gateway/responses.ts'

/** What a batch of response events tells of API keys, heard as it is published and not from the stream: enough for a hint. */
export const apiKeysUsed = defineEvent({
  subject: responses.subject,
  event: Type.Object({
    events: Type.Array(Type.Object({ apiKeyId: Type.String(), startedAtMs: Type.Integer() })),
  }),
})
