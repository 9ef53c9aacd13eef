import { memberWatch } from '../naming/ambiguous-member.ts'
import { namedModel, unlistedModels } from '../naming/named-models.ts'
import { inspectPrompt, NO_TOKENS } from '../prompt/inspect-prompt.ts'
import {
  addMedia,
  fileTokens,
  MEDIUM_TOKENS,
  type MediaTally,
  NO_PART,
  type PartReading,
  tallyMedia,
  textLength,
  tokensBySize,
} from '../prompt/media.ts'
import { outputCount } from '../prompt/output-maximum.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspection.ts'
import { isRecord } from '../wire/json.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectGoogleRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  const { kind, model = '' } = operation
  if (operation.unlisted) {
    const media = isRecord(body) ? googleMedia(body) : undefined
    const inspection = inspectUnlisted(operation, body, sizeBytes, media)
    return { ...inspection, model: googleModel(body) || inspection.model }
  }
  if (!isRecord(body) || COSTS_NOTHING.has(kind)) return { ...NO_TOKENS, model }
  const media = googleMedia(body)
  const inspection = inspectPrompt(body, model, 'google', { media, hasOutput: kind !== 'embed' })
  inspection.streamed = kind === 'stream'
  const configs = [recordOf(body.generationConfig), recordOf(body.generation_config)]
  inspection.outputs = outputCount(...configs.flatMap((config) => [config.candidateCount, config.candidate_count]))
  return inspection
}

/** A batch's tokens do not count towards the limits on the other calls. */
const COSTS_NOTHING: ReadonlySet<string> = new Set(['batch', 'count-tokens', 'other'])

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

/**
 * Every model that a request names: that of its path, and those that the body, a batch and the requests in it name, as Google's types
 * let each do. Never throws, whatever the shape.
 */
export function googleNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body).map(withoutCollection)
  const { batch, requests, generateContentRequest, generate_content_request } = recordOf(body)
  const { inputConfig, input_config } = recordOf(batch)
  const { requests: inlined } = recordOf(recordOf(inputConfig ?? input_config).requests)
  const named = [
    body,
    batch,
    generateContentRequest,
    generate_content_request,
    ...arrayOf(requests),
    ...arrayOf(inlined).map((entry) => recordOf(entry).request),
  ].map(googleModel)
  return [operation.model ?? '', ...named.filter((name) => name !== '')]
}

/** The model of a body, which names it as `models/gemini-2.5-pro`; empty where it names none. */
export function googleModel(body: unknown): string {
  return withoutCollection(namedModel(body))
}

export const GOOGLE_MODEL_MEMBERS = memberWatch([
  'model',
  'batch',
  'inputConfig',
  'input_config',
  'requests',
  'request',
  'generateContentRequest',
  'generate_content_request',
])

function withoutCollection(model: string): string {
  return model.replace(/^models\//, '')
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/**
 * The media in a request to generate or to embed: parts of its contents, of its system instruction, and of function responses
 * in them. Never throws, whatever the shape.
 * @see https://ai.google.dev/api/caching#Part
 */
export function googleMedia(body: Readonly<Record<string, unknown>>): MediaTally {
  const { contents, requests, content, systemInstruction, system_instruction } = body
  return [contents, requests, [content, systemInstruction, system_instruction]]
    .map((parts) => tallyMedia(parts, readPart))
    .reduce(addMedia)
}

/** Members come in camel case, as the API answers, or in snake case, which it takes too. */
function readPart(part: Readonly<Record<string, unknown>>): PartReading {
  const inlined = part.inlineData ?? part.inline_data
  if (inlined !== undefined) return { inlinedBytes: textLength(inlined, 'data'), ...costOf(inlined) }
  const file = part.fileData ?? part.file_data
  if (file !== undefined) return { inlinedBytes: 0, ...costOf(file) }
  const response = part.functionResponse ?? part.function_response
  if (isRecord(response)) return { within: response.parts }
  if (part.parts !== undefined) return { within: part.parts }
  return part.content === undefined ? NO_PART : { within: [part.content] }
}

/** Nothing for an image, of which the common cost holds. */
function costOf(medium: unknown): Pick<PartReading, 'tokens'> {
  if (!isRecord(medium)) return {}
  const type = String(medium.mimeType ?? medium.mime_type ?? '')
  const cost = COSTS.find(([prefix]) => type.startsWith(prefix))?.[1]
  const bytes = textLength(medium, 'data')
  if (cost !== undefined) return { tokens: tokensBySize(bytes, cost) }
  return IMAGE.test(type) ? {} : { tokens: fileTokens(type, bytes, IMAGE_COST) }
}

/** Or of no known type. */
const IMAGE = /^(?:image\/|$)/
/** What is neither a text nor a known kind of medium. */
const IMAGE_COST = { unitBytes: Number.POSITIVE_INFINITY, unitTokens: MEDIUM_TOKENS }

/**
 * 32 tokens for each second of sound, 300 of video, 258 for each page (Gemini 3: 560), at sizes that are usual for them.
 * @see https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens
 */
const COSTS = [
  ['audio/', { unitBytes: 480_000, unitTokens: 960 }],
  ['video/', { unitBytes: 625_000, unitTokens: 1_500 }],
  ['application/pdf', { unitBytes: 60_000, unitTokens: 560 }],
] as const
