import { listedModel } from '../unified/listed-model.ts'
import { refuse } from '../unified/refusal.ts'
import type {
  AnswerTranslation,
  AnswerTranslator,
  AskedAnswer,
  NativeCall,
  Refusal,
  UnifiedApi,
  UnifiedRequest,
} from '../unified-api.ts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember } from '../wire/json-member.ts'
import { jsonText } from '../wire/json-text.ts'
import { foreignError } from './foreign-error.ts'
import { GuardedStream } from './guarded-stream.ts'

/**
 * OpenAI's API in front of a provider that speaks it: requests go on as they are, but for the name of the model.
 * @param root what the provider's paths begin with, as `/v1`
 */
export function openAiUnified(root: string): UnifiedApi {
  return {
    chat: { request: (request) => passOn(`${root}/chat/completions`, request), answer },
    embeddings: { request: (request) => passOn(`${root}/embeddings`, request), answer },
    models: { path: `${root}/models`, query: '', headers: {}, read: readModels },
  }
}

function passOn(path: string, request: UnifiedRequest): NativeCall | Refusal {
  const body = withModel(request)
  if (body === undefined) return refuse('messages', 'The request is nested too deeply.')
  const { model, answerId, receivedAtMs } = request
  const asked = { model, answerId, receivedAtMs, streamed: request.body.stream === true, tellsUsage: false }
  return { status: 'translated', path, query: '', headers: undefined, body, answer: asked }
}

/** Undefined where the body can be neither changed nor written anew. */
function withModel({ body, bytes, model }: UnifiedRequest): Buffer | undefined {
  // A key that is spelt with escapes is not found, and it may be the one that counts.
  const member = bytes.includes(ESCAPED_LETTER) ? undefined : findLastMember(bytes, 'model', 1)
  if (member === undefined) {
    const text = jsonText({ ...body, model })
    return text === undefined ? undefined : Buffer.from(text)
  }
  const name = Buffer.from(JSON.stringify(model))
  return Buffer.concat([bytes.subarray(0, member.valueStart), name, bytes.subarray(member.end)])
}

/** How every letter of `model` begins that is spelt as an escape. */
const ESCAPED_LETTER = '\\u006'
const EMPTY = Buffer.alloc(0)

const AS_IT_IS: AnswerTranslator = {
  contentType: undefined,
  failed: false,
  push: (chunk) => chunk,
  end: () => EMPTY,
  breakOff: () => EMPTY,
}

const ANSWER: AnswerTranslation = {
  translator: (contentType) => (contentType.startsWith('text/event-stream') ? new GuardedStream() : AS_IT_IS),
  error: foreignError,
}

/** Whatever it calls itself: an answer that is no stream has no end that a caller of one could see. */
const STREAM: AnswerTranslation = { ...ANSWER, translator: () => new GuardedStream() }

function answer({ streamed }: AskedAnswer): AnswerTranslation {
  return streamed ? STREAM : ANSWER
}

/** @see https://platform.openai.com/docs/api-reference/models/list */
function readModels(page: unknown) {
  if (!isRecord(page) || !Array.isArray(page.data)) return undefined
  const models = page.data.flatMap((model: unknown) =>
    isRecord(model) && typeof model.id === 'string' ? [listedModel(model.id, model.created)] : [],
  )
  return { models }
}
