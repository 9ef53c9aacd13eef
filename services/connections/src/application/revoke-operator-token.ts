import { SluiceError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../domain/actor.ts'
import type { ApplicationDeps } from './deps.ts'

/**
 * Removes an operator token and ends its sessions.
 * @throws SluiceError `not_found`; `last_admin_token` where nobody could make changes afterwards
 */
export async function revokeOperatorToken(
  { operatorTokens, now }: Pick<ApplicationDeps, 'operatorTokens' | 'now'>,
  actor: Actor,
  id: string,
): Promise<void> {
  const outcome = isUuid(id) ? await operatorTokens.remove(id, now(), actor) : 'not_found'
  if (outcome === 'not_found') throw new SluiceError('not_found', 'There is no such operator token.')
  if (outcome === 'last_admin') {
    throw new SluiceError('last_admin_token', 'This is the last token of an admin. Make another one first.')
  }
}
