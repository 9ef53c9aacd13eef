import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'

/**
 * The details of one type in the error that `body` is; none where it is no error, or has no such detail.
 * @param type as `QuotaFailure`
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
export function googleErrorDetails(body: Buffer, type: string): Readonly<Record<string, unknown>>[] {
  const parsed = parseJson(body)
  // The error of a stream that is a JSON array comes in one too.
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  const details = isRecord(answer) && isRecord(answer.error) ? answer.error.details : undefined
  if (!Array.isArray(details)) return []
  return details.filter(isRecord).filter((detail) => detail['@type'] === `type.googleapis.com/google.rpc.${type}`)
}
