import type { ProviderId } from '@sluice/contracts'
import { inspectPrompt } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspect.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'
import { outputCount } from '../wire/output-maximum.ts'
import { promptMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectOpenAiRequest(
  operation: Operation,
  body: unknown,
  sizeBytes: number,
  provider: ProviderId = 'openai',
): RequestInspection {
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
  const prompt = operation.kind === 'images' ? imagesOf(body) : (body.messages ?? body.input)
  const media = promptMedia(prompt, model)
  const hasOutput = !WITHOUT_OUTPUT.has(operation.kind)
  const inspection = inspectPrompt(body, model, provider, { media, hasOutput })
  inspection.streamed = streamed
  // A prompt template that the provider keeps; elsewhere `prompt` is the text itself.
  if (operation.kind === 'responses' && isRecord(body.prompt)) inspection.hasStoredPrompt = true
  if (operation.kind === 'responses' && body.background === true) inspection.inBackground = true
  if (body.n !== undefined || body.best_of !== undefined) inspection.outputs = outputCount(body.n, body.best_of)
  inspection.addsUsage = streamed && TELLS_USAGE_ON_REQUEST.has(operation.kind) && !asksForUsage(body.stream_options)
  return inspection
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

/** The images that an edit begins with, as parts of a prompt. */
function imagesOf({ image, images, mask }: Readonly<Record<string, unknown>>): unknown {
  const given = [image, images, mask].flat().filter((value) => typeof value === 'string' || isRecord(value))
  return given.map((value) => ({ type: 'image_url', ...(isRecord(value) ? value : { url: value }) }))
}

function asksForUsage(streamOptions: unknown): boolean {
  return isRecord(streamOptions) && streamOptions.include_usage === true
}
