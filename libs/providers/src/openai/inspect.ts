import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { promptMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectOpenAiRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (!operation.usesModel || !isRecord(body)) return notLegible(operation)
  const streamed = body.stream === true
  const media = promptMedia(operation.kind === 'responses' ? body.input : body.messages)
  const maxOutputTokens = outputMaximum(operation.kind, body)
  return {
    model: typeof body.model === 'string' ? body.model : '',
    streamed,
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    outputs: Math.max(positiveInteger(body.n) ?? 1, positiveInteger(body.best_of) ?? 1),
    addsUsage: streamed && TELLS_USAGE_ON_REQUEST.has(operation.kind) && !asksForUsage(body.stream_options),
  }
}

/** Streams of these have usage only with `stream_options.include_usage`. */
const TELLS_USAGE_ON_REQUEST: ReadonlySet<string> = new Set(['chat', 'completions'])

/** Their answers hold no output tokens. */
const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(['embeddings', 'moderations', 'speech', 'other'])

function notLegible(operation: Operation): RequestInspection {
  return {
    model: '',
    streamed: false,
    promptBytes: 0,
    mediaParts: 0,
    ...(WITHOUT_OUTPUT.has(operation.kind) ? { maxOutputTokens: 0 } : {}),
    outputs: 1,
    addsUsage: false,
  }
}

function outputMaximum(kind: string, body: Readonly<Record<string, unknown>>): number | undefined {
  if (WITHOUT_OUTPUT.has(kind)) return 0
  return (
    positiveInteger(body.max_completion_tokens) ??
    positiveInteger(body.max_output_tokens) ??
    positiveInteger(body.max_tokens)
  )
}

function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 1 ? Math.ceil(value) : undefined
}

function asksForUsage(streamOptions: unknown): boolean {
  return isRecord(streamOptions) && streamOptions.include_usage === true
}
