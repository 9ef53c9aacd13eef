import type { TokenUsage } from '@sluice/contracts'
import { totalUsage } from '../claude/usage.ts'
import type { AnswerReader, Operation, RequestInspection, WireHeaders } from '../provider-adapter.ts'
import { AwsEventFrames } from '../wire/aws-event-frames.ts'
import { findUsage } from '../wire/find-usage.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { WatchingReader } from '../wire/watching-reader.ts'
import { ConverseMeter } from './converse-meter.ts'
import { InvokeMeter } from './invoke-meter.ts'
import { readConverseUsage, readInvokeUsage, readUsageHeaders } from './usage.ts'

/** The reader for one answer of status 2xx. Of a plain invocation, the headers tell the usage, or else the body. */
export function bedrockAnswerReader(
  { kind }: Operation,
  _inspection: RequestInspection,
  contentType: string,
  headers: WireHeaders = {},
): AnswerReader {
  if (contentType.startsWith('application/vnd.amazon.eventstream')) {
    const meter = kind === 'invoke-stream' ? new InvokeMeter() : new ConverseMeter()
    return new WatchingReader((visit) => new AwsEventFrames(visit), meter)
  }
  if (kind === 'converse') return new JsonTailReader(findConverseUsage)
  if (kind !== 'invoke') return UNREAD
  const usage = totalUsage(readUsageHeaders(headers))
  return usage === undefined ? new JsonTailReader(findInvokeUsage) : { ...UNREAD, usage }
}

function findConverseUsage(json: Buffer): TokenUsage | undefined {
  return findUsage(json, 'usage', 1, (usage) => totalUsage(readConverseUsage(usage)))
}

function findInvokeUsage(json: Buffer): TokenUsage | undefined {
  return findUsage(json, 'usage', 1, (usage) => totalUsage(readInvokeUsage(usage)))
}
