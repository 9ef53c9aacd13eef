import type { ProviderId } from '@sluice/contracts'
import { memberWatch } from '../naming/ambiguous-member.ts'
import { modelsIn, namedModel, toolModels, UNREPORTED_MODEL, unlistedModels } from '../naming/named-models.ts'
import { inspectPrompt, NO_TOKENS } from '../prompt/inspect-prompt.ts'
import { outputCount } from '../prompt/output-maximum.ts'
import type { BodyAddition, Operation, OutgoingBody, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspection.ts'
import { isRecord } from '../wire/json.ts'
import { ownMember, withMember } from '../wire/json-members.ts'
import { promptMedia } from './media.ts'

/** Inspects a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
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
    return { ...unreadableInspection(operation), model: operation.runsModel === 'named' ? namedModel(body) : '' }
  }
  const streamed = body.stream === true
  const model = namedModel(body)
  if (operation.kind === 'count-tokens') return { ...NO_TOKENS, model }
  const prompt = operation.kind === 'images' ? imagesOf(body) : (body.messages ?? body.input)
  const media = promptMedia(prompt, model)
  const hasOutput = !WITHOUT_OUTPUT.has(operation.kind)
  const inspection = inspectPrompt(body, model, provider, { media, hasOutput })
  inspection.streamed = streamed
  // A prompt template stored at the provider; in other operations `prompt` is the text itself.
  if (operation.kind === 'responses' && isRecord(body.prompt)) inspection.hasStoredPrompt = true
  if (operation.kind === 'responses' && body.background === true) inspection.inBackground = true
  if (body.n !== undefined || body.best_of !== undefined) inspection.outputs = outputCount(body.n, body.best_of)
  inspection.addsUsage = streamed && INCLUDES_USAGE_ON_REQUEST.has(operation.kind) && !asksForUsage(body.stream_options)
  return inspection
}

/** Kinds whose streams report usage only with `stream_options.include_usage`. */
const INCLUDES_USAGE_ON_REQUEST: ReadonlySet<string> = new Set(['chat', 'completions'])

/** Kinds whose responses have no output tokens. */
const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(['embeddings', 'moderations', 'speech', 'other'])

function unreadableInspection(operation: Operation): Omit<RequestInspection, 'model'> {
  return {
    streamed: false,
    promptBytes: 0,
    mediaParts: 0,
    ...(WITHOUT_OUTPUT.has(operation.kind) ? { maxOutputTokens: 0 } : {}),
    outputs: 1,
    addsUsage: false,
  }
}

/** Returns the source images of an edit as content parts. */
function imagesOf({ image, images, mask }: Readonly<Record<string, unknown>>): unknown {
  const given = [image, images, mask].flat().filter((value) => typeof value === 'string' || isRecord(value))
  return given.map((value) => ({ type: 'image_url', ...(isRecord(value) ? value : { url: value }) }))
}

function asksForUsage(streamOptions: unknown): boolean {
  return isRecord(streamOptions) && streamOptions.include_usage === true
}

/**
 * Returns every model that a request names: its own, its fallbacks (OpenRouter, LiteLLM), its tools' (OpenAI's image
 * generation), and the parts of Groq's compound systems. Never throws, whatever the shape.
 * @see https://openrouter.ai/docs/features/model-routing
 * @see https://console.groq.com/docs/compound
 */
export function openAiNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body)
  if (!isRecord(body)) return [UNREPORTED_MODEL]
  const compound = isRecord(body.compound_custom) ? body.compound_custom.models : undefined
  return [
    namedModel(body),
    ...modelsIn(body.models),
    ...modelsIn(body.fallbacks),
    ...toolModels(body.tools),
    ...(isRecord(compound) ? Object.values(compound).flatMap(modelsIn) : modelsIn(compound)),
  ]
}

export const OPENAI_MODEL_MEMBERS = memberWatch([
  'model',
  'models',
  'fallbacks',
  'tools',
  'compound_custom',
  'answering_model',
  'reasoning_model',
])

/**
 * Makes a stream report its usage, where `inspection.addsUsage`: adds `stream_options.include_usage` to the body, and
 * keeps every other byte.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export function includeUsage(inspection: RequestInspection, body: unknown, bytes: Buffer): OutgoingBody {
  if (!inspection.addsUsage || !isRecord(body)) return { bytes }
  const { stream_options: options } = body
  const member = options === undefined ? undefined : ownMember(bytes, 'stream_options')
  if (member === undefined) {
    const inside = bytes.indexOf('{') + 1
    return replaced(bytes, inside, inside, MEMBER)
  }
  const given = isRecord(options) ? bytes.subarray(member.valueStart, member.end) : EMPTY_OBJECT
  return replaced(bytes, member.valueStart, member.end, withMember(given, 'include_usage', 'true'))
}

function replaced(bytes: Buffer, start: number, end: number, value: Buffer): OutgoingBody {
  return {
    bytes: Buffer.concat([bytes.subarray(0, start), value, bytes.subarray(end)]),
    addition: { start, end: start + value.length, replaced: bytes.toString('latin1', start, end) },
  }
}

/** Reverses {@link includeUsage}: returns the application's body. */
export function withoutAddition(bytes: Buffer, { start, end, replaced }: BodyAddition): Buffer {
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(replaced, 'latin1'), bytes.subarray(end)])
}

/** The body has at least the member `stream`, so a comma is always right. */
const MEMBER = Buffer.from('"stream_options":{"include_usage":true},')
const EMPTY_OBJECT = Buffer.from('{}')
