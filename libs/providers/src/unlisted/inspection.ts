import { namedModel, pathModels } from '../naming/named-models.ts'
import { outputCount, statedMaximum } from '../prompt/output-maximum.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'

/** What is known of the media in a prompt of the provider's own shape. */
export interface UnlistedMedia {
  readonly parts: number
  readonly tokens?: number
  readonly inlinedBytes: number
}

/**
 * Reads what may matter of a request of which nothing is known but that it may run a model. Its prompt is all of its body, its
 * maximum the largest of those that it states in any provider's words. Never throws, whatever the shape.
 * @param body the parsed JSON body; undefined where it is none @param sizeBytes of the text in the body
 */
export function inspectUnlisted(
  { path }: Operation,
  body: unknown,
  sizeBytes: number,
  media: UnlistedMedia = NO_MEDIA,
): RequestInspection {
  const members = isRecord(body) ? body : NO_MEMBERS
  return {
    model: namedModel(body) || (pathModels(path)[0] ?? ''),
    streamed: members.stream === true,
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    ...(media.tokens === undefined ? {} : { mediaTokens: media.tokens }),
    ...statedMaximum(members),
    outputs: outputCount(members.n, members.best_of),
    addsUsage: false,
  }
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = {}
const NO_MEDIA: UnlistedMedia = { parts: 0, inlinedBytes: 0 }
