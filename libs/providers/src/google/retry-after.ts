import type { WireHeaders } from '../provider-adapter.ts'
import { readRetryAfterMs } from '../wire/retry-after.ts'
import { googleErrorDetails } from './error-details.ts'

/** What the headers say, and otherwise the `RetryInfo` in the details of the error that `body` is. */
export function googleRetryAfterMs(headers: WireHeaders, receivedAtMs: number, body?: Buffer): number | undefined {
  return readRetryAfterMs(headers, receivedAtMs) ?? (body && retryDelayMs(body))
}

function retryDelayMs(body: Buffer): number | undefined {
  const [retryInfo] = googleErrorDetails(body, 'RetryInfo')
  return retryInfo && durationMs(retryInfo.retryDelay)
}

/** @see https://protobuf.dev/programming-guides/json/ on `Duration` */
function durationMs(duration: unknown): number | undefined {
  const [, seconds] = (typeof duration === 'string' && /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(duration)) || []
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000)
}
