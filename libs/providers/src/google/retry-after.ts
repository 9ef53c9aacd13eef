import type { WireHeaders } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { readRetryAfterMs } from '../wire/retry-after.ts'

/** What the headers say, and otherwise the `RetryInfo` in the details of the error that `body` is. */
export function googleRetryAfterMs(headers: WireHeaders, receivedAtMs: number, body?: Buffer): number | undefined {
  return readRetryAfterMs(headers, receivedAtMs) ?? (body && retryDelayMs(body))
}

function retryDelayMs(body: Buffer): number | undefined {
  const parsed = parseJson(body)
  // The error of a stream that is a JSON array comes in one too.
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  const details = isRecord(answer) && isRecord(answer.error) ? answer.error.details : undefined
  if (!Array.isArray(details)) return undefined
  for (const detail of details) {
    if (isRecord(detail) && detail['@type'] === RETRY_INFO) return durationMs(detail.retryDelay)
  }
  return undefined
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/** @see https://protobuf.dev/programming-guides/json/ on `Duration` */
function durationMs(duration: unknown): number | undefined {
  const [, seconds] = (typeof duration === 'string' && /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(duration)) || []
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000)
}
