import { SluiceError } from '@sluice/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'

/** For OpenAPI; {@link ifMatchVersion} validates it. */
export const IfMatchHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'The version that the connection must have, such as "3"; any when absent or *.' }),
  ),
})

/**
 * Returns the version that `If-Match` requires, or undefined when it is absent or `*`.
 * @throws SluiceError `invalid_request` when it is not one version
 */
export function ifMatchVersion({ headers }: FastifyRequest): number | undefined {
  const text = headers['if-match']
  if (text === undefined || text.trim() === '*') return undefined
  const version = /^\s*"?([1-9]\d{0,8})"?\s*$/.exec(text)?.[1]
  if (version !== undefined) return Number(version)
  throw new SluiceError('invalid_request', 'The header If-Match is not valid.', {
    fields: [
      { field: 'if-match', message: `must be one version, as in the header ETag, such as "3", or *${reason(text)}` },
    ],
  })
}

function reason(text: string): string {
  if (/^\s*w\//i.test(text)) return '; weak tags (W/) match nothing'
  return text.includes(',') ? '; a list is not accepted' : ''
}

/** Sets the `ETag` to a connection's version, for use in `If-Match`. */
export function setEtag(reply: FastifyReply, version: number): void {
  reply.header('etag', `"${version}"`)
}
