import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspect.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'
import { outputCount, outputMaximum } from '../wire/output-maximum.ts'
import { promptMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectOpenAiRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (operation.unlisted) {
    const { messages, input } = isRecord(body) ? body : {}
    return inspectUnlisted(operation, body, sizeBytes, promptMedia(messages ?? input, namedModel(body)))
  }
  if (!operation.usesModel || !isRecord(body)) {
    return { ...notLegible(operation), model: operation.runsModel === 'named' ? namedModel(body) : '' }
  }
  const streamed = body.stream === true
  const model = namedModel(body)
  if (operation.kind === 'count-tokens') return { ...FREE, model }
  const media = promptMedia(operation.kind === 'chat' ? body.messages : body.input, model)
  const maxOutputTokens = WITHOUT_OUTPUT.has(operation.kind) ? 0 : outputMaximum(body)
  return {
    model,
    streamed,
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    mediaTokens: media.tokens,
    ...(operation.kind === 'responses' && hasStoredPrompt(body) ? { hasStoredPrompt: true } : {}),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    outputs: outputCount(body.n, body.best_of),
    addsUsage: streamed && TELLS_USAGE_ON_REQUEST.has(operation.kind) && !asksForUsage(body.stream_options),
  }
}

/** Streams of these have usage only with `stream_options.include_usage`. */
const TELLS_USAGE_ON_REQUEST: ReadonlySet<string> = new Set(['chat', 'completions'])

/** Their answers hold no output tokens. */
const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(['embeddings', 'moderations', 'speech', 'other'])

function notLegible(operation: Operation): Omit<RequestInspection, 'model'> {
  return {
    streamed: false,
    promptBytes: 0,
    mediaParts: 0,
    ...(WITHOUT_OUTPUT.has(operation.kind) ? { maxOutputTokens: 0 } : {}),
    outputs: 1,
    addsUsage: false,
  }
}

/** It goes on from an earlier response, a conversation or a prompt template that the provider keeps. */
function hasStoredPrompt(body: Readonly<Record<string, unknown>>): boolean {
  return typeof body.previous_response_id === 'string' || isPresent(body.conversation) || isRecord(body.prompt)
}

function isPresent(value: unknown): boolean {
  return typeof value === 'string' || isRecord(value)
}

function asksForUsage(streamOptions: unknown): boolean {
  return isRecord(streamOptions) && streamOptions.include_usage === true
}
