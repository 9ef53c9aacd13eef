import type { OutgoingHttpHeaders } from 'node:http'
import type { HeaderContext } from '../simulated-provider.ts'

/** The headers of every answer. AWS tells no limits in them. */
export function headers({ requestId }: HeaderContext): OutgoingHttpHeaders {
  return { 'x-amzn-requestid': uuid(requestId) }
}

/** The id of a request as AWS writes it. */
export function uuid(requestId: string): string {
  return requestId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
