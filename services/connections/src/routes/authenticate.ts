import { SluiceError } from '@sluice/contracts'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import type { FastifyRequest } from 'fastify'
import { type Actor, operatorActor } from '../domain/actor.ts'
import type { OperatorTokenStore } from '../ports/operator-token-store.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; undefined on routes that ask nobody. */
    actor: Actor | undefined
  }
}

/**
 * Takes the operator token from `Authorization: Bearer`. It is looked up at each request, so that a token that is gone is refused at
 * once.
 * @throws SluiceError `unauthenticated`
 */
export async function authenticate(request: FastifyRequest, tokens: OperatorTokenStore): Promise<void> {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  const name =
    token !== undefined && isAccessToken(token, 'slo') ? await tokens.nameOf(hashAccessToken(token)) : undefined
  if (name === undefined)
    throw new SluiceError('unauthenticated', 'An operator token is needed: Authorization: Bearer slo_…')
  request.actor = operatorActor(name)
}

/** The actor of a request on a route that asks who it is. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === undefined) throw new SluiceError('internal', 'a route without authentication has no actor')
  return request.actor
}
