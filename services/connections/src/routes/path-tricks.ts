import { SluiceError } from '@sluice/contracts'
import type { FastifyRequest } from 'fastify'

/**
 * Refuses paths that another program may read as another path than this one does: a slash, backslash or control character that is
 * hidden by encoding, and segments `.` and `..`, encoded or not. No identifier of Sluice needs any of them.
 * @throws SluiceError `invalid_request`
 */
export async function refusePathTricks({ url }: FastifyRequest): Promise<void> {
  const [path = ''] = url.split('?', 1)
  if (!HIDDEN.test(path) && !DOT_SEGMENT.test(path)) return
  throw new SluiceError('invalid_request', 'The address holds an encoded slash, a control character, or a dot segment.')
}

/** `/`, `\`, `%` and what is below the space or DEL, each encoded; and a plain backslash, which some take for a slash. */
const HIDDEN = /%(?:2f|5c|25|[01][0-9a-f]|7f)|\\/i
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|;|$)/i
