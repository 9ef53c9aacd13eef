import { namedModel, pathModels } from '../naming/named-models.ts'
import { type MediaTally, NO_MEDIA } from '../prompt/media.ts'
import { outputCount, statedMaximum } from '../prompt/output-maximum.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/json.ts'

/**
 * Inspects an unknown request that may run a model. Its whole body counts as the prompt; its maximum is the largest
 * that it states under any provider's names. Never throws, whatever the shape.
 * @param body the parsed JSON body; undefined where it is not JSON @param sizeBytes of the text in the body
 * @param media in a prompt of the provider's own shape, where the body has one
 */
export function inspectUnlisted(
  { path }: Operation,
  body: unknown,
  sizeBytes: number,
  media?: MediaTally,
): RequestInspection {
  const { parts, inlinedBytes } = media ?? NO_MEDIA
  const members = isRecord(body) ? body : NO_MEMBERS
  return {
    model: namedModel(body) || (pathModels(path)[0] ?? ''),
    streamed: members.stream === true,
    promptBytes: Math.max(0, sizeBytes - inlinedBytes),
    mediaParts: parts,
    ...(media === undefined ? {} : { mediaTokens: media.tokens }),
    ...statedMaximum(members),
    outputs: outputCount(members.n, members.best_of),
    addsUsage: false,
  }
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = {}
