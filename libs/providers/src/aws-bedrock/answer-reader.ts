import { type ClaudeUsage, mergeClaudeUsage, reportedClaudeUsage, withContextEdits } from '../claude/usage.ts'
import type { Operation, RequestInspection, ResponseReader, WireHeaders } from '../provider-adapter.ts'
import { AwsEventFrames } from '../wire/aws-event-frames.ts'
import { findUsage, type JsonEnds } from '../wire/find-usage.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { parseJson } from '../wire/parse-json.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { UNREAD } from '../wire/unread.ts'
import { WatchingReader } from '../wire/watching-reader.ts'
import { ConverseMeter } from './converse-meter.ts'
import { bedrockErrorStatusIn } from './errors.ts'
import { InvokeMeter } from './invoke-meter.ts'
import { readConverseUsage, readInvokeUsage, readMakersCounts, readUsageHeaders } from './usage.ts'

/**
 * The reader for one answer of status 2xx, by what its first bytes show that it is. Of a plain invocation, headers and body both tell the
 * usage, and of each count the higher holds.
 */
export function bedrockResponseReader(
  { kind, model }: Operation,
  { maxOutputTokens }: RequestInspection,
  headers: WireHeaders = {},
): ResponseReader {
  const frames = (): ResponseReader => {
    const meter = kind === 'invoke-stream' ? new InvokeMeter() : new ConverseMeter()
    return new WatchingReader((visit) => new AwsEventFrames(visit), meter)
  }
  if (kind === 'count-tokens') return UNREAD
  const isConverse = kind === 'converse' || kind === 'converse-stream'
  const told = isConverse ? undefined : readUsageHeaders(headers)
  const json = (): ResponseReader =>
    new JsonTailReader({
      findUsage: isConverse ? findConverseUsage : (ends) => findInvokeUsage(ends, told),
      withoutOutput: maxOutputTokens === 0,
      errorStatusIn: bedrockErrorStatusIn,
    })
  return new FirstBytesReader({ frames, json }, kind !== 'invoke' || !COUNTS_NO_TOKENS.test(model ?? ''))
}

/** Images, videos, vectors and rankings are counted in no tokens, or in the input's alone. */
const COUNTS_NO_TOKENS = /embed|rerank|image|canvas|reel|stability\.|sd3|stable-|luma\.|twelvelabs\.|sonic/i

function findConverseUsage(json: JsonEnds): ReportedUsage | undefined {
  return findUsage(json, 'usage', [1], (usage) => reportedClaudeUsage(readConverseUsage(usage)))
}

function findInvokeUsage(json: JsonEnds, told: ClaudeUsage | undefined): ReportedUsage | undefined {
  const found = withContextEdits(json, findUsage(json, 'usage', [1], readInvokeUsage) ?? makersCounts(json))
  return reportedClaudeUsage(
    told === undefined || found === undefined ? (told ?? found) : mergeClaudeUsage(told, found),
  )
}

function makersCounts({ tail, head }: JsonEnds): ClaudeUsage | undefined {
  const hasSome = MAKERS_COUNTS.some((name) => tail.includes(name))
  return head === undefined && hasSome ? readMakersCounts(parseJson(tail)) : undefined
}

const MAKERS_COUNTS = [
  '"prompt_token_count"',
  '"generation_token_count"',
  '"inputTextTokenCount"',
  '"tokenCount"',
] as const
